//! The facts that user tells.

use events::Fact;
use proto::event::v1::{UserCreated, UserDeleted, UserUpdated};

use crate::domain::user::User;

/// An account was made.
pub fn created(user: &User) -> Fact {
    let made = UserCreated {
        user_id: user.id.to_string(),
        name: user.name.to_string(),
        email: user.email.as_str().to_owned(),
        roles: user
            .roles
            .iter()
            .map(|role| role.as_str().to_owned())
            .collect(),
    };
    command::fact(&made, user.version, Some(user.id.0))
}

/// An account changed, was blocked or unblocked.
pub fn updated(user: &User) -> Fact {
    let changed = UserUpdated {
        user_id: user.id.to_string(),
        name: user.name.to_string(),
        email: user.email.as_str().to_owned(),
        can_place_orders: user.can_place_orders(),
    };
    command::fact(&changed, user.version, Some(user.id.0))
}

/// An account is gone; the last fact about it.
pub fn deleted(user: &User) -> Fact {
    let gone = UserDeleted {
        user_id: user.id.to_string(),
    };
    command::fact(&gone, user.version + 1, Some(user.id.0))
}
