//! What every command carries beside its request: the caller's idempotency key, and the ids
//! under which its facts are traced.

use axum::http::{HeaderName, HeaderValue};
use chrono::{DateTime, Utc};
use events::Origin;
use prost::Message;
use rpc::{Call, ConnectResponse};
use store::idempotency::{self, Claim, Key};
use store::{Database, Transaction};
use uuid::Uuid;

use crate::error::Error;

/// The header that tells a repeated answer from a new one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// One command of one caller.
#[derive(Clone, Debug)]
pub struct Command {
    key: Option<Key>,
    /// Where its facts come from.
    pub origin: Origin,
    /// The person it concerns, if one is known.
    pub user: Option<Uuid>,
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
        Self {
            key,
            origin,
            user: call.caller.user_id(),
        }
    }

    /// A command of a test, under no key.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self {
            key: None,
            origin: Origin::default(),
            user: None,
        }
    }

    /// Looks whether the command was carried out before, before the provider hears of it.
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
    /// A key is claimed and sealed in one transaction, so one that is claimed and not sealed
    /// is not met.
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

    /// Keeps the answer for whoever repeats the command.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seal<R: Message>(
        &self,
        txn: &Transaction,
        response: R,
        now: DateTime<Utc>,
    ) -> Result<Answer<R>, Error> {
        idempotency::seal(txn, self.key.as_ref(), &response.encode_to_vec(), now).await?;
        Ok(Answer {
            response,
            replayed: false,
        })
    }
}

impl<R: Message + Default> Answer<R> {
    fn replay(bytes: &[u8]) -> Result<Self, Error> {
        let response = R::decode(bytes)?;
        Ok(Self {
            response,
            replayed: true,
        })
    }
}

impl<R> Answer<R> {
    /// The answer to a command whose effect is there already, under no key or another one.
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
