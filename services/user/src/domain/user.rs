//! An account and what may become of it.

use call::{Role, Roles};
use chrono::{DateTime, Utc};

use super::email::Email;
use super::id::UserId;
use super::line::SingleLine;

/// An account. It never holds a password or its hash: those are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The account's name in every context.
    pub id: UserId,
    /// The full name as the person writes it, maybe empty.
    pub name: SingleLine,
    /// The address to sign in with.
    pub email: Email,
    /// What the account may do.
    pub roles: Roles,
    /// Why and since when the account is blocked, if it is.
    pub block: Option<Block>,
    /// Counts the changes, from 1; each fact about the account carries it.
    pub version: i64,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed, never before `created_at`.
    pub updated_at: DateTime<Utc>,
}

/// A blocked account neither signs in nor orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// When it was blocked.
    pub at: DateTime<Utc>,
    /// A note for colleagues, maybe empty.
    pub reason: SingleLine,
}

/// The fields to change; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserPatch {
    /// The new name; an empty one clears it.
    pub name: Option<SingleLine>,
    /// The new address.
    pub email: Option<Email>,
    /// All roles the account has from now on.
    pub roles: Option<Roles>,
}

impl UserPatch {
    /// Whether it would give an account another address.
    pub fn moves(&self, user: &User) -> bool {
        let email = self.email.as_ref();
        email.is_some_and(|email| *email != user.email)
    }
}

/// Whether a command had an effect. One that had none is not a new version and not a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Effect {
    /// The account is another than before.
    Changed,
    /// The account already was as the command wants it.
    Unchanged,
}

impl User {
    /// Makes an account; without any role it is a customer's.
    pub fn new(
        id: UserId,
        name: SingleLine,
        email: Email,
        roles: Roles,
        now: DateTime<Utc>,
    ) -> Self {
        let roles = if roles == Roles::default() {
            customer()
        } else {
            roles
        };
        let (created_at, updated_at) = (now, now);
        Self {
            id,
            name,
            email,
            roles,
            block: None,
            version: 1,
            created_at,
            updated_at,
        }
    }

    /// The name to greet with: the first word of the full name, maybe empty.
    pub fn first_name(&self) -> &str {
        self.name.split_whitespace().next().unwrap_or_default()
    }

    /// Whether the account is blocked.
    pub fn is_blocked(&self) -> bool {
        self.block.is_some()
    }

    /// Whether checkout accepts the account.
    pub fn can_place_orders(&self) -> bool {
        !self.is_blocked()
    }

    /// Whether the account holds a role beyond customer.
    pub fn is_staff(&self) -> bool {
        self.roles.iter().any(|role| role != Role::Customer)
    }

    /// Whether somebody could keep the accounts of the suite with this one.
    pub fn is_active_admin(&self) -> bool {
        self.roles.contains(Role::Admin) && !self.is_blocked()
    }

    /// Applies the fields that are present.
    pub fn change(&mut self, change: &UserPatch, now: DateTime<Utc>) -> Effect {
        let before = self.clone();
        if let Some(name) = &change.name {
            self.name = name.clone();
        }
        if let Some(email) = &change.email {
            self.email = email.clone();
        }
        if let Some(roles) = change.roles {
            self.roles = roles;
        }
        self.next_version(&before, now)
    }

    /// Blocks the account. A second block keeps the first one's time and reason.
    pub fn block(&mut self, reason: &SingleLine, now: DateTime<Utc>) -> Effect {
        let before = self.clone();
        if self.block.is_none() {
            self.block = Some(Block {
                at: now,
                reason: reason.clone(),
            });
        }
        self.next_version(&before, now)
    }

    /// Restores what [`User::block`] took away.
    pub fn unblock(&mut self, now: DateTime<Utc>) -> Effect {
        let before = self.clone();
        self.block = None;
        self.next_version(&before, now)
    }

    fn next_version(&mut self, before: &Self, now: DateTime<Utc>) -> Effect {
        if self == before {
            return Effect::Unchanged;
        }
        self.version += 1;
        self.updated_at = now.max(self.updated_at); // the clock may have been set back
        Effect::Changed
    }
}

/// What everyone is who signs up.
pub fn customer() -> Roles {
    Roles::from_iter([Role::Customer])
}

#[cfg(test)]
mod tests;
