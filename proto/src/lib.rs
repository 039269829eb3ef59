//! The contract: every message, service and fact of Stoa, as generated from
//! the .proto files beside this folder, and what belongs to it by nature.
//!
//! Owns the generated code, `google.protobuf`'s JSON, validation by the rules
//! in the contract, and checked sums of money. Deliberately has no transport,
//! no limits and no opinion on errors: those are the edge's.
//!
//! The module tree mirrors the packages without their `stoa`:
//! `stoa.order.v1` is [`order::v1`].

pub mod fact;
pub mod money;
pub mod server;
pub mod validate;
pub mod wkt;

pub use fact::Fact;
pub use money::MoneyError;
pub use server::Limited;
pub use validate::{Validate, Violation};

/// The contract's FileDescriptorSet, imports and custom options included.
///
/// Feed these very bytes to a descriptor pool: a set that went through prost
/// has lost its options.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.bin");

/// Declares a module of one generated package.
macro_rules! package {
    ($version:ident, $file:literal) => {
        #[expect(
            clippy::all,
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            reason = "generated code"
        )]
        pub mod $version {
            include!(concat!("gen/", $file, ".rs"));
        }
    };
}

/// Accounts, profiles, sign-in.
pub mod user {
    package!(v1, "stoa.user.v1");
}

/// What the shop sells.
pub mod catalog {
    package!(v1, "stoa.catalog.v1");
}

/// Money, prices, quotes.
pub mod pricing {
    package!(v1, "stoa.pricing.v1");
}

/// Stock and reservations.
pub mod inventory {
    package!(v1, "stoa.inventory.v1");
}

/// Orders and their checkout.
pub mod order {
    package!(v1, "stoa.order.v1");
}

/// Charges and refunds.
pub mod payment {
    package!(v1, "stoa.payment.v1");
}

/// What is bought together.
pub mod recommendation {
    package!(v1, "stoa.recommendation.v1");
}

/// Messages to people.
pub mod notification {
    package!(v1, "stoa.notification.v1");
}

/// Chat with staff.
pub mod support {
    package!(v1, "stoa.support.v1");
}

/// What each kind of client sees.
pub mod bff {
    /// The pages of the web shop.
    pub mod web {
        package!(v1, "stoa.bff.web.v1");
    }

    /// The screens of the mobile app.
    pub mod mobile {
        package!(v1, "stoa.bff.mobile.v1");
    }

    /// The answer to small devices.
    pub mod iot {
        package!(v1, "stoa.bff.iot.v1");
    }
}

/// Facts and their envelope.
pub mod event {
    package!(v1, "stoa.event.v1");
}

/// The options that the contract is annotated with.
pub mod options {
    package!(v1, "stoa.options.v1");
}

/// The standard contracts of gRPC.
pub mod grpc {
    /// Health, as load balancers ask for it.
    pub mod health {
        package!(v1, "grpc.health.v1");
    }
}
