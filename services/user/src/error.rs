//! Everything that can go wrong in this service, and what of it a caller learns.

#![warn(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use call::{ConnectError, Kind, Reason};
use proto::validate::{Violation, violations_detail};
use sea_orm::DbErr;
use slice::Misconfigured;
use token::SignError;

use crate::domain::line::HiddenCharacter;
use crate::domain::password::BadPassword;

/// The domain of this service's reasons.
const DOMAIN: &str = "stoa.user";
/// The queue for hashing is worked off in about this time.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Everything that can go wrong in this service, in its own words.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such account within the caller's reach. It names no id, so that another person's
    /// account answers byte for byte as an unknown one does.
    #[error("user does not exist")]
    UserNotFound,
    /// No such session of the caller's. It names no id either.
    #[error("session does not exist")]
    SessionNotFound,
    /// Another account has the address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Somebody who is not an admin sent roles.
    #[error("only an admin may change roles")]
    RolesRefused,
    /// Support staff reached for an account of staff.
    #[error("only an admin may block or unblock staff")]
    StaffAccount,
    /// Without this account nobody could keep the accounts.
    #[error("the last admin must remain")]
    LastAdmin,
    /// The account is blocked.
    #[error("User blocked")]
    Blocked,
    /// The address is unknown or the password is wrong; which of them is not said.
    #[error("wrong e-mail address or password")]
    WrongCredentials,
    /// The refresh token is unknown, over, used twice or revoked; which of them is not said.
    #[error("the session is over, sign in again")]
    SessionOver,
    /// The cookie came along with a request that our own pages did not make.
    #[error("the cookie is accepted from our own pages only")]
    CrossSite,
    /// Who is signed in does not know the password of the account.
    #[error("current_password: is not the password of this account")]
    WrongPassword,
    /// The token of a letter is unknown, used, replaced or over; which of them is not said.
    #[error("token: is not good any more, ask for a new letter")]
    BadResetToken,
    /// There is no way for a letter, whoever it would be for.
    #[error("this shop sends no letters")]
    NoLetters,
    /// Nobody may choose this password.
    #[error("password: {0}")]
    BadPassword(#[from] BadPassword),
    /// A name or note is more than one line, or more than is seen of it.
    #[error(transparent)]
    HiddenCharacter(#[from] HiddenCharacter),
    /// A page size or page token that cannot be.
    #[error(transparent)]
    Page(#[from] sql::page::Error),
    /// The cursor was not made by us.
    #[error("cursor is not one of this stream")]
    CursorUnknown,
    /// The cursor is older than what is kept.
    #[error("the cursor is too old, start anew")]
    CursorExpired,
    /// The server stops; the watcher resumes elsewhere.
    #[error("the server is stopping, resume from the cursor")]
    Stopping {
        /// Where to resume.
        cursor: String,
    },
    /// The text is not an id.
    #[error("the id is not a UUID")]
    MalformedId,
    /// The command could not be claimed or kept.
    #[error(transparent)]
    Command(#[from] command::Error),
    /// Too many passwords are being hashed, or too many letters are to be written.
    #[error("too many at once, try again shortly")]
    Busy,
    /// Too many wrong passwords for one account.
    #[error("too many failed sign-ins, try again later")]
    TooManyAttempts {
        /// When the next attempt is allowed.
        retry_after: Duration,
    },
    /// A password could not be hashed, or its hash not be read.
    #[error("password hashing failed")]
    Hashing(#[source] argon2::password_hash::Error),
    /// A signing key could not be made or used.
    #[error("token signing failed")]
    Signing(#[from] SignError),
    /// An account that the command line describes, against the rules of sign-up.
    #[error("{0}")]
    Account(String),
    /// A setting that cannot be.
    #[error(transparent)]
    Config(#[from] Misconfigured),
    /// A task ended before its time.
    #[error("a background task failed")]
    Task(#[from] tokio::task::JoinError),
    /// A letter could not be put into the mailbox.
    #[error("a letter could not be written")]
    Letter(#[from] std::io::Error),
    /// The database failed.
    #[error("user storage failed")]
    Store(#[from] DbErr),
}

impl Error {
    /// What kind of failure it is on the wire.
    pub fn kind(&self) -> Kind {
        match self {
            Self::UserNotFound | Self::SessionNotFound => Kind::NotFound,
            Self::EmailTaken => Kind::AlreadyExists,
            Self::RolesRefused | Self::StaffAccount | Self::CrossSite => Kind::PermissionDenied,
            Self::LastAdmin | Self::Blocked | Self::NoLetters => Kind::FailedPrecondition,
            Self::WrongCredentials | Self::SessionOver => Kind::Unauthenticated,
            Self::BadPassword(_)
            | Self::WrongPassword
            | Self::BadResetToken
            | Self::HiddenCharacter(_)
            | Self::Page(_)
            | Self::CursorUnknown
            | Self::MalformedId
            | Self::Account(_) => Kind::InvalidArgument,
            Self::CursorExpired => Kind::OutOfRange,
            Self::Stopping { .. } => Kind::Unavailable,
            Self::Busy | Self::TooManyAttempts { .. } => Kind::ResourceExhausted,
            Self::Hashing(_)
            | Self::Signing(_)
            | Self::Config(_)
            | Self::Letter(_)
            | Self::Task(_) => Kind::Internal,
            Self::Command(error) => error.kind(),
            Self::Store(error) => command::storage_kind(error),
        }
    }

    /// The reason that programs read, where there is more to tell than the kind.
    fn reason(&self) -> Option<Reason> {
        let plain = |reason| Some(Reason::new(DOMAIN, reason));
        match self {
            Self::EmailTaken => plain("EMAIL_TAKEN"),
            Self::RolesRefused => plain("ROLES_REFUSED"),
            Self::StaffAccount => plain("STAFF_ACCOUNT"),
            Self::LastAdmin => plain("LAST_ADMIN"),
            Self::Blocked => plain("USER_BLOCKED"),
            Self::WrongCredentials => plain("WRONG_CREDENTIALS"),
            Self::WrongPassword => plain("WRONG_PASSWORD"),
            Self::BadResetToken => plain("BAD_RESET_TOKEN"),
            Self::NoLetters => plain("NO_LETTERS"),
            Self::SessionOver => plain("SESSION_OVER"),
            Self::CrossSite => plain("CROSS_SITE"),
            Self::TooManyAttempts { .. } => plain("TOO_MANY_ATTEMPTS"),
            Self::Stopping { cursor } => {
                Some(Reason::new(DOMAIN, "STOPPING").with("cursor", cursor))
            }
            Self::UserNotFound
            | Self::SessionNotFound
            | Self::BadPassword(_)
            | Self::HiddenCharacter(_)
            | Self::Page(_)
            | Self::CursorUnknown
            | Self::CursorExpired
            | Self::Command(_)
            | Self::MalformedId
            | Self::Account(_)
            | Self::Busy
            | Self::Hashing(_)
            | Self::Signing(_)
            | Self::Config(_)
            | Self::Letter(_)
            | Self::Task(_)
            | Self::Store(_) => None,
        }
    }

    /// The field at fault, where the contract cannot say what is wrong with it.
    fn violation(&self) -> Option<Violation> {
        let (field, rule_id) = if let Self::BadPassword(bad) = self {
            let rule_id = match bad {
                BadPassword::Length => "password.length",
                BadPassword::Guessed => "password.guessed",
            };
            return Some(Violation::new("password", rule_id, &bad.to_string()));
        } else if let Self::HiddenCharacter(hidden) = self {
            (hidden.field, "string.one_line")
        } else if matches!(self, Self::WrongPassword) {
            ("current_password", "current_password.right")
        } else if matches!(self, Self::BadResetToken) {
            ("token", "token.good")
        } else {
            return None;
        };
        let message = self.to_string();
        let message = message.split_once(": ").map_or("", |(_, said)| said);
        Some(Violation::new(field, rule_id, message))
    }

    /// When the caller should come back, where we know.
    fn retry_after(&self) -> Option<Duration> {
        if let Self::TooManyAttempts { retry_after } = self {
            Some(*retry_after)
        } else {
            matches!(self, Self::Busy).then_some(BUSY_RETRY_AFTER)
        }
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        let mut wire = call::to_wire(error.kind(), &error);
        if let Some(violation) = error.violation() {
            let (type_url, detail) = violations_detail(&[violation]);
            wire = wire.add_detail(type_url, detail);
        }
        if let Some(reason) = error.reason() {
            wire = reason.attach(wire);
        }
        match error.retry_after() {
            Some(delay) => call::error::with_retry_after(wire, delay),
            None => wire,
        }
    }
}
