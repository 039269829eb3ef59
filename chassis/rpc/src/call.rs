//! What a handler may know of the request beyond its message: who calls, until when,
//! and under which ids. Built once by the edge; nothing else reads identity from headers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use connectrpc_axum::prelude::{Code, ConnectError};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message;
use sha2::{Digest, Sha256};
use telemetry::TraceContext;
use tokio::time::Instant;
use uuid::Uuid;

use crate::metadata::ResponseMetadata;

/// The header of a [`CorrelationId`].
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// One call, as the edge has let it in.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls, verified.
    pub caller: Caller,
    /// Whose objects this caller may reach through this rpc.
    pub scope: Scope,
    /// When the answer is no longer of use.
    pub deadline: Deadline,
    /// The id under which every log line of this call can be found.
    pub correlation_id: CorrelationId,
    /// The span that this call is in.
    pub trace: TraceContext,
    /// The caller's promise that a repeat of this call is the same call.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Headers and trailers of the answer, on every protocol.
    pub response: ResponseMetadata,
    /// Whether this is test traffic, marked by baggage `synthetic=true`.
    pub synthetic: bool,
    /// The path of the rpc, `/stoa.order.v1.OrderService/CreateOrder`.
    pub path: Arc<str>,
}

impl Call {
    /// The parts under which the answer to this call is remembered, when the caller sent
    /// an `idempotency-key`: subject, rpc, key and a hash of the request.
    pub fn idempotent<M: Message>(&self, request: &M) -> Option<IdempotentRequest> {
        let key = self.idempotency_key.as_ref()?;
        Some(IdempotentRequest {
            subject: self.caller.subject(),
            method: self.path.to_string(),
            key: key.as_str().to_owned(),
            hash: request_hash(request),
        })
    }
}

/// What tells one request from another under one key: SHA-256 of the message as this program
/// reads it, encoded anew. It is the same whichever way the request came, with fields in any
/// order, defaults written out or left out, and with fields that this program does not know,
/// which it drops. So a field that a later program adds changes the hash of no request without it.
///
/// Maps would be encoded in any order: a request with a key has none, and none of its fields
/// ever changes its number or type. A test pins the hashes.
pub fn request_hash<M: Message>(request: &M) -> [u8; 32] {
    Sha256::digest(request.encode_to_vec()).into()
}

/// Identifies one logical command of one caller; `hash` tells a repeat from a misuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Who sent it, as in [`Caller::subject`].
    pub subject: String,
    /// The path of the rpc.
    pub method: String,
    /// The key as the caller chose it, 1 to 255 characters.
    pub key: String,
    /// That of [`request_hash`].
    pub hash: [u8; 32],
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = ConnectError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ConnectError> {
        parts.extensions.get().cloned().ok_or_else(|| {
            ConnectError::new(Code::Internal, "the call did not come through the edge")
        })
    }
}

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's id in the user service.
    pub id: Uuid,
    /// What they may do beyond their own objects.
    pub roles: Roles,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// A point in time after which the answer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The deadline `timeout` from now.
    pub fn after(timeout: Duration) -> Self {
        Self(Instant::now() + timeout)
    }

    /// What is left of it, zero when it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// As an instant of the runtime's clock.
    pub fn instant(self) -> Instant {
        self.0
    }
}

/// Names one request from the browser through every service to the log: at most 128 of
/// `[A-Za-z0-9._-]`, the caller's own or minted at the edge.
#[derive(Clone, PartialEq, Eq)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// Takes the id if it is well formed.
    pub fn parse(id: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        ((1..=128).contains(&id.len()) && id.bytes().all(legal)).then(|| Self(id.into()))
    }

    /// Makes an id from a UUID that the clock gave.
    pub fn from_uuid(id: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self((&*id.simple().encode_lower(&mut buffer)).into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes the header. HTTP/2 is told not to index the value: no other message has it, and
    /// looking for its like in a full table costs more than sending it.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        if let Ok(mut value) = HeaderValue::from_str(&self.0) {
            value.set_sensitive(true);
            headers.insert(CORRELATION_ID, value);
        }
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of `idempotency-key`: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// Takes the key if it is well formed.
    pub fn parse(key: &str) -> Option<Self> {
        let legal = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        ((1..=255).contains(&key.len()) && legal).then(|| Self(key.into()))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: O2
    #[test]
    fn a_correlation_id_is_short_and_plain() {
        assert!(CorrelationId::parse("a.B_c-1").is_some());
        assert!(CorrelationId::parse(&"x".repeat(128)).is_some());
        for bad in ["", "a b", "a\n", "é", &"x".repeat(129)] {
            assert_eq!(CorrelationId::parse(bad), None, "{bad:?}");
        }
    }

    /// row: S-16
    #[test]
    fn an_idempotency_key_has_1_to_255_characters() {
        assert!(IdempotencyKey::parse(&"k".repeat(255)).is_some());
        for bad in ["", "\u{7f}", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(bad), None, "{bad:?}");
        }
    }

    /// row: G5
    #[test]
    fn a_service_has_no_role_of_the_person_it_acts_for() {
        let admin = User {
            id: Uuid::nil(),
            roles: Role::ALL.into_iter().collect(),
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
