//! How a customer wants to pay, as the payment service understands it.

use secrecy::{ExposeSecret, SecretString};

/// A reference to a means of payment: it shows in no log, and is wiped from memory when dropped.
#[derive(Clone, Debug)]
pub struct PaymentMethod(SecretString);

impl PaymentMethod {
    /// Takes a reference that the contract has already bounded.
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self(token.into())
    }

    /// The reference, for the payment service and for the saga's row alone.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for PaymentMethod {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for PaymentMethod {}
