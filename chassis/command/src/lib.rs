//! What every mutating rpc carries into its transaction beside its request: the caller's
//! idempotency key, and the ids under which its facts are traced.
//!
//! It decides nothing about the command itself: a service claims, changes its state, and
//! seals, in one transaction of its own.

mod service;

use chrono::{DateTime, Utc};
use events::Origin;
use http::{HeaderName, HeaderValue};
use prost::Message;
use rpc::{Call, ConnectResponse, Kind};
use sea_orm::DbErr;
use store::idempotency::{self, Claim, Key};
use store::{Database, Fault, Transaction};
use uuid::Uuid;

pub use service::service;

/// The header that tells a repeated answer from a new one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One command of one caller.
#[derive(Clone, Debug)]
pub struct Command {
    key: Option<Key>,
    /// Where its facts come from.
    pub origin: Origin,
    /// Who gave it, as in `rpc::Caller::subject`.
    pub subject: String,
    /// The person who gave it, or for whom a service did.
    pub user: Option<Uuid>,
}

/// Why a command could not be claimed or sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key stands for another request of the same caller.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The answer that was kept does not decode: a contract changed incompatibly.
    #[error("a kept answer cannot be read")]
    Answer(#[from] prost::DecodeError),
    /// The database failed.
    #[error("storage failed")]
    Store(#[from] DbErr),
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::KeyReused => Kind::InvalidArgument,
            Self::Answer(_) => Kind::Internal,
            Self::Store(error) => storage_kind(error),
        }
    }
}

impl From<idempotency::ClaimError> for Error {
    fn from(error: idempotency::ClaimError) -> Self {
        match error {
            idempotency::ClaimError::Mismatch => Self::KeyReused,
            idempotency::ClaimError::Db(error) => Self::Store(error),
        }
    }
}

/// What kind of failure an error of the database is to whoever called.
pub fn storage_kind(error: &DbErr) -> Kind {
    match store::fault(error) {
        Fault::Retry => Kind::Aborted,
        Fault::Unavailable => Kind::Unavailable,
        Fault::Unique { .. } | Fault::Other => Kind::Internal,
    }
}

/// The answer to a command.
#[derive(Clone, Debug)]
pub struct Answer<R> {
    response: R,
    /// Whether it was given before, under the same idempotency key.
    replayed: bool,
}

impl Command {
    /// The command of a call of the rpc at `path`.
    pub fn of<M: Message>(call: &Call, path: &'static str, request: &M) -> Self {
        let key = call.idempotent(request).map(|idempotent| Key {
            subject: idempotent.subject,
            method: path,
            key: idempotent.key,
            request_hash: idempotent.hash,
        });
        let origin = Origin {
            correlation_id: call.correlation_id.to_string(),
            traceparent: call.trace.to_string(),
            synthetic: call.synthetic,
        };
        let (subject, user) = (call.caller.subject(), call.caller.user_id());
        Self {
            key,
            origin,
            subject,
            user,
        }
    }

    /// A command that no call gave, under a correlation id of its own.
    pub fn internal(subject: &str, correlation_id: &str) -> Self {
        let origin = Origin {
            correlation_id: correlation_id.to_owned(),
            ..Origin::default()
        };
        let subject = subject.to_owned();
        Self {
            key: None,
            origin,
            subject,
            user: None,
        }
    }

    /// Looks whether the command was carried out before, without a transaction: for work
    /// outside the database that must not be done for a repeat.
    ///
    /// # Errors
    /// [`Error::KeyReused`] when the key stands for another request.
    pub async fn look<R: Message + Default>(
        &self,
        db: &Database,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer<R>>, Error> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        match idempotency::look(db.read(), key, now).await? {
            Some(Claim::Replay(bytes)) => Answer::replay(&bytes).map(Some),
            Some(Claim::New | Claim::Pending) | None => Ok(None),
        }
    }

    /// Claims the command's key; with an answer the command was carried out before.
    ///
    /// A key is claimed and sealed in one transaction, so one that is claimed and not
    /// sealed is that of a command which was refused, and is decided again.
    ///
    /// # Errors
    /// [`Error::KeyReused`] when the key stands for another request.
    pub async fn claim<R: Message + Default>(
        &self,
        txn: &Transaction,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer<R>>, Error> {
        match idempotency::claim(txn, self.key.as_ref(), now).await? {
            Claim::New | Claim::Pending => Ok(None),
            Claim::Replay(bytes) => Answer::replay(&bytes).map(Some),
        }
    }

    /// Claims the key and keeps the answer, both as part of the commit: for a command that was most
    /// likely not given before. If it was, the commit fails with [`DbErr::RecordNotUpdated`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn claim_and_seal<R: Message>(
        &self,
        txn: &Transaction,
        response: R,
        now: DateTime<Utc>,
    ) -> Result<Answer<R>, Error> {
        let bytes = Some(response.encode_to_vec());
        idempotency::claim_with_commit(txn, self.key.as_ref(), bytes, now).await?;
        Ok(Answer::known(response))
    }

    /// Keeps the answer for whoever repeats the command, as part of the commit.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seal<R: Message>(
        &self,
        txn: &Transaction,
        response: R,
    ) -> Result<Answer<R>, Error> {
        let bytes = response.encode_to_vec();
        idempotency::seal_with_commit(txn, self.key.as_ref(), &bytes).await?;
        Ok(Answer {
            response,
            replayed: false,
        })
    }
}

impl<R> Answer<R> {
    /// The answer to a command whose effect was there already, under no key or another one.
    pub fn known(response: R) -> Self {
        Self {
            response,
            replayed: false,
        }
    }

    /// The answer on the wire, marked if it was given before.
    pub fn respond(self, call: &Call) -> ConnectResponse<R> {
        if self.replayed {
            call.response
                .header(REPLAYED, HeaderValue::from_static("true"));
        }
        ConnectResponse::new(self.response)
    }
}

impl<R: Message + Default> Answer<R> {
    fn replay(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            response: R::decode(bytes)?,
            replayed: true,
        })
    }
}
