//! The one edge between a socket and a handler, for every protocol alike.
//!
//! A service hands its generated builder to [`Service::mount`] and gets, on one port and
//! on Connect, gRPC and gRPC-Web alike: limits, deadlines, identity, access rules,
//! validation, typed errors, metadata, logs, metrics, health, reflection and a graceful
//! stop. No domain noun, no table and no rule lives here.

mod service;

pub mod app;
pub mod call;
pub mod contract;
pub mod error;
pub mod health;
pub mod metadata;
pub mod serve;
pub mod token;
pub mod valid;

mod edge;
mod inner;
mod reflect;

pub use app::{App, Config, Forward, Limits, StartError, refuse};
pub use call::{
    CORRELATION_ID, Call, Caller, CorrelationId, Deadline, IdempotencyKey, Role, Roles, Scope,
    User, request_hash,
};
pub use contract::Contract;
pub use edge::cors::{BadOrigin, Cors};
pub use edge::deadline::Timeouts;
pub use edge::guard::Encodings;
pub use edge::identity::LocalCaller;
pub use edge::shed::Load;
pub use error::{Kind, Reason, to_wire};
pub use health::{Health, Wellness};
pub use metadata::ResponseMetadata;
pub use serve::{Serve, serve};
pub use service::{Service, Task};
pub use valid::{Valid, valid};

// The library's request, response and error types, so that no service names the library.
pub use connectrpc_axum::handler::get_connect;
pub use connectrpc_axum::prelude::{
    Code, ConnectError, ConnectRequest, ConnectResponse, StreamBody, Streaming,
};
