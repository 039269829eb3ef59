//! Who calls, and whose objects are within reach.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No credential was presented; reaches public rpcs only.
    Anonymous,
    /// A person, by access token.
    User(User),
    /// One of our services, by service token or within the process.
    Service {
        /// `order`, `gateway` …
        name: Arc<str>,
        /// The person on whose behalf it calls, if any.
        acting_for: Option<User>,
    },
}

impl Caller {
    /// The stable name of the caller: `user:<id>`, `service:<name>` or `anonymous`.
    /// A service that acts for a person is still the service.
    pub fn subject(&self) -> String {
        self.to_string()
    }

    /// The person calling, or on whose behalf a service calls.
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => Some(user),
            Self::Service { acting_for, .. } => acting_for.as_ref(),
        }
    }

    /// The id of [`Caller::user`].
    pub fn user_id(&self) -> Option<Uuid> {
        self.user().map(|user| user.id)
    }

    /// Whether a person with this role calls. A service never has a role of its own, and
    /// does not borrow one from the person for whom it acts.
    pub fn has_role(&self, role: Role) -> bool {
        matches!(self, Self::User(user) if user.roles.contains(role))
    }
}

/// As in [`Caller::subject`].
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(user) => {
                f.write_str("user:")?;
                f.write_str(
                    user.id
                        .hyphenated()
                        .encode_lower(&mut Uuid::encode_buffer()),
                )
            }
            Self::Service { name, .. } => write!(f, "service:{name}"),
        }
    }
}

/// A person as the token names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct User {
    /// The user's id in the user service.
    pub id: Uuid,
    /// What they may do beyond their own objects.
    pub roles: Roles,
    /// The session that the token grew from, in the user service; none where that is not told.
    pub session: Option<Uuid>,
}

/// What a person is to the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everyone who signs up.
    Customer,
    /// Reads everyone's objects, blocks users, answers chats.
    Support,
    /// Keeps catalog, prices and stock.
    Operator,
    /// Keeps users and roles.
    Admin,
}

impl Role {
    /// Every role, in order.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Support, Self::Operator, Self::Admin];

    /// The role's name in tokens and contracts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Support => "support",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// A set of [`Role`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    /// Whether `role` is in the set.
    pub fn contains(self, role: Role) -> bool {
        self.0 & (1 << role as u8) != 0
    }

    /// Whether the sets share a role.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The roles in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL
            .into_iter()
            .filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(
            roles
                .into_iter()
                .fold(0, |set, role| set | (1 << role as u8)),
        )
    }
}

impl FromIterator<Self> for Roles {
    fn from_iter<I: IntoIterator<Item = Self>>(sets: I) -> Self {
        sets.into_iter().flat_map(Self::iter).collect()
    }
}

/// Whose objects a call may reach. A query is scoped with it, so that another person's
/// object is not found rather than refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Only what belongs to this person.
    Own(Uuid),
    /// Everyone's: the contract names the caller's role or service beside `own`, or the
    /// rpc is not about anyone's objects.
    Everyone,
}

impl Scope {
    /// The person to whom queries are limited; none when unlimited.
    pub fn owner(self) -> Option<Uuid> {
        match self {
            Self::Own(id) => Some(id),
            Self::Everyone => None,
        }
    }

    /// Whether objects of `user` are within reach.
    pub fn reaches(self, user: Uuid) -> bool {
        self.owner().is_none_or(|owner| owner == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: G5
    #[test]
    fn a_service_has_no_role_of_the_person_it_acts_for() {
        let admin = User {
            id: Uuid::nil(),
            roles: Role::ALL.into_iter().collect(),
            session: None,
        };
        let service = Caller::Service {
            name: "order".into(),
            acting_for: Some(admin),
        };
        assert!(Caller::User(admin).has_role(Role::Admin));
        assert!(!service.has_role(Role::Admin));
        assert_eq!(service.subject(), "service:order");
    }
}
