//! What carries a command: the caller's idempotency key, the transaction that the command takes
//! effect in, the facts that it makes true and the ids under which they are traced.
//!
//! It decides nothing about the command itself: that is the effect, which a service hands to [`run`], to [`accept`] or
//! to [`transact`].

mod accept;
mod hear;
mod run;

use call::{Call, ConnectResponse, Kind};
use chrono::{DateTime, Utc};
use events::Origin;
use http::{HeaderName, HeaderValue};
use prost::Message;
use sea_orm::DbErr;
use sql::idempotency::{self, Claim, Key};
use sql::{Fault, Transaction};
use uuid::Uuid;

pub use accept::{Repeated, accept, seal};
pub use hear::hear;
pub use run::{Making, Work, guarded, run, transact};

/// The header that tells a repeated answer from a new one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One command of one caller.
#[derive(Clone, Debug)]
pub struct Command {
    key: Option<Key>,
    /// Where its facts come from.
    pub origin: Origin,
    /// Who gave it, as in `call::Caller::subject`.
    pub subject: String,
}

/// Why a command could not be claimed or sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key stands for another request of the same caller.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The key is claimed and its answer is still to come.
    #[error("a request with this idempotency key is being carried out")]
    KeyPending,
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
            Self::KeyPending => Kind::Aborted,
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

/// Where the facts come from that a call makes true.
pub fn origin(call: &Call) -> Origin {
    Origin {
        correlation_id: call.correlation_id.to_string(),
        traceparent: call.trace.to_string(),
        synthetic: call.synthetic,
    }
}

/// A fact as the outbox takes it. `version` numbers the facts about its key; `subject` is the
/// person whom it concerns.
pub fn fact<F: proto::Fact>(message: &F, version: i64, subject: Option<Uuid>) -> events::Fact {
    events::Fact {
        topic: F::TOPIC,
        key: message.key().to_owned(),
        version,
        subject,
        data: message.encode_to_vec(),
    }
}

/// What kind of failure an error of the database is to whoever called.
pub fn storage_kind(error: &DbErr) -> Kind {
    match sql::fault(error) {
        Fault::Retry => Kind::Aborted,
        Fault::Unavailable => Kind::Unavailable,
        Fault::Unique { .. } | Fault::Other => Kind::Internal,
    }
}

/// The answer to a command.
#[derive(Clone, Debug)]
pub struct Answer<R> {
    response: R,
    /// Whether it was asked for before, under the same idempotency key.
    replayed: bool,
}

impl Command {
    /// The key to give the answer under, if the caller sent one.
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// The command of a call of the rpc at `path`.
    pub fn of<M: Message>(call: &Call, path: &'static str, request: &M) -> Self {
        let key = call.idempotent(request).map(|idempotent| Key {
            subject: idempotent.subject,
            method: path,
            key: idempotent.key,
            request_hash: idempotent.hash,
        });
        Self {
            key,
            origin: origin(call),
            subject: call.caller.subject(),
        }
    }

    /// Claims the command's key; with an answer the command was carried out before.
    ///
    /// What [`run`] carries is claimed and sealed in one transaction; a key that is claimed and not sealed is that of
    /// something that was accepted, and answers later.
    ///
    /// # Errors
    /// [`Error::KeyReused`] when the key stands for another request, [`Error::KeyPending`].
    async fn claim<R: Message + Default>(
        &self,
        txn: &Transaction,
        now: DateTime<Utc>,
    ) -> Result<Option<Answer<R>>, Error> {
        match idempotency::claim(txn, self.key.as_ref(), now).await? {
            Claim::New => Ok(None),
            Claim::Pending(_) => Err(Error::KeyPending),
            Claim::Replay(bytes) => Answer::replay(txn.service(), &bytes).map(Some),
        }
    }

    /// Keeps the answer for whoever repeats the command, as part of the commit.
    ///
    /// # Errors
    /// The database failed.
    async fn seal<R: Message>(
        &self,
        txn: &Transaction,
        now: DateTime<Utc>,
        response: R,
    ) -> Result<Answer<R>, Error> {
        let bytes = response.encode_to_vec();
        idempotency::seal_with_commit(txn, self.key.as_ref(), now, &bytes).await?;
        Ok(Answer::new(response))
    }
}

impl<R> Answer<R> {
    /// One that is given for the first time.
    pub fn new(response: R) -> Self {
        Self {
            response,
            replayed: false,
        }
    }

    /// The same, to whoever asked under a key that was known already.
    #[must_use]
    pub fn repeated(self, service: &'static str) -> Self {
        metrics::counter!("idempotency_replays_total", "service" => service).increment(1);
        Self {
            replayed: true,
            ..self
        }
    }

    /// The answer on the wire, marked if it repeats another.
    pub fn respond(self, call: &Call) -> ConnectResponse<R> {
        ConnectResponse::new(self.open(call))
    }

    /// What was answered; the caller is told if it was before.
    pub fn open(self, call: &Call) -> R {
        if self.replayed {
            call.response
                .header(REPLAYED, HeaderValue::from_static("true"));
        }
        self.response
    }
}

impl<R: Message + Default> Answer<R> {
    fn replay(service: &'static str, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::new(R::decode(bytes)?).repeated(service))
    }
}
