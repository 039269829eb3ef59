//! Domain types as messages and back, where more than one rpc or fact shows them.

use call::{Call, Role, Roles};
use chrono::{DateTime, Utc};
use proto::user::v1 as pb;
use proto::wkt::Timestamp;
use uuid::Uuid;

use crate::domain::id::{SessionId, UserId};
use crate::domain::line::SingleLine;
use crate::domain::user::User;
use crate::error::Error;

/// Reads an id that the contract has checked.
pub fn user_id(text: &str) -> Result<UserId, Error> {
    Uuid::parse_str(text)
        .map(UserId)
        .map_err(|_| Error::MalformedId)
}

/// Reads an id that the contract has checked.
pub fn session_id(text: &str) -> Result<SessionId, Error> {
    Uuid::parse_str(text)
        .map(SessionId)
        .map_err(|_| Error::MalformedId)
}

/// Who calls, and by which of their sessions if their token tells it.
pub fn person(call: &Call) -> Result<(UserId, Option<SessionId>), Error> {
    let user = call.caller.user().ok_or(Error::UserNotFound)?;
    Ok((UserId(user.id), user.session.map(SessionId)))
}

/// Reads a line of text, whose length the contract has checked.
pub fn line(field: &'static str, text: &str) -> Result<SingleLine, Error> {
    Ok(SingleLine::parse(field, text)?)
}

/// Reads the names of roles, which the contract has checked.
pub fn roles(names: &[String]) -> Roles {
    names.iter().filter_map(|name| Role::parse(name)).collect()
}

pub fn timestamp(time: DateTime<Utc>) -> Option<Timestamp> {
    Some(Timestamp::from(time))
}

impl From<User> for pb::User {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.into_string(),
            email: user.email.as_str().to_owned(),
            roles: user
                .roles
                .iter()
                .map(|role| role.as_str().to_owned())
                .collect(),
            created_at: timestamp(user.created_at),
            updated_at: timestamp(user.updated_at),
        }
    }
}
