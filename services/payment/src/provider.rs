//! The port to whoever moves the money, and what every provider behind it must keep:
//!
//! - A charge is named twice: by the caller's key and by the order. The same key with the same
//!   content has one outcome for ever, also after a crash on either side; the same key for
//!   another order or sum is refused, and so is an order under another key.
//! - A refund is named by the order. It gives back all that was captured, once; if nothing
//!   was, it makes sure that nothing ever will be.
//!
//! So nothing has to be remembered on our side before the provider is asked: whoever does not
//! know what became of a call makes it again.

mod sandbox;

use std::fmt;

use futures::future::BoxFuture;
use money::Amount;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::id::{OrderId, PaymentKey};
use crate::domain::payment::{ChargeError, Outcome, Returned};

pub use sandbox::Sandbox;

/// The provider's reference to a card or an account. It shows in no log, and is wiped from memory
/// when dropped.
#[derive(Clone, Debug)]
pub struct Token(SecretString);

impl Token {
    /// Takes a token that the contract has already bounded.
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self(token.into())
    }

    /// The token, for the provider alone.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// What the provider is asked to capture.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Our name for the charge.
    pub key: PaymentKey,
    /// What it pays.
    pub order_id: OrderId,
    /// How much.
    pub amount: Amount,
    /// From whom.
    pub token: Token,
}

/// Why the provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be reached, or did not say what became of it. The call may be made again.
    #[error("the payment provider is unavailable")]
    Unavailable,
    /// A refund of the order came first.
    #[error("a refund came before the charge")]
    Voided,
    /// The charge is named like another one.
    #[error(transparent)]
    Refused(#[from] ChargeError),
    /// The sandbox's memory failed.
    #[error("the sandbox's storage failed")]
    Store(#[from] sea_orm::DbErr),
}

/// A company that moves money.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Captures the money for an order.
    fn charge(&self, capture: Capture) -> BoxFuture<'_, Result<Outcome, ProviderError>>;

    /// Gives back the money of an order, or blocks its capture.
    fn refund(
        &self,
        key: PaymentKey,
        order_id: OrderId,
    ) -> BoxFuture<'_, Result<Returned, ProviderError>>;
}
