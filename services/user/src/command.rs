//! One transaction for a command: the idempotency record, the change and its facts.

use ::store::Transaction;
use ::store::idempotency::{self, Claim, Key};
use http::{HeaderName, HeaderValue};
use prost::Message;
use rpc::Call;

use crate::App;
use crate::error::Error;

/// The header of an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What an rpc does inside its transaction.
pub trait Command: Sync {
    /// What the caller is answered, now and at every repeat.
    type Answer: Message + Default;

    /// Does it, by database statements alone.
    fn carry_out(
        &self,
        app: &App,
        call: &Call,
        txn: &Transaction,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// Carries out a command in a transaction of its own, once per idempotency key: a repeat of the
/// request gets the first one's answer and has no effect. It may be tried several times, when
/// other transactions get in its way, but is committed once.
///
/// # Errors
/// That of the command, which leaves nothing behind, and [`Error::KeyReused`] if the key stands
/// for another request.
pub async fn once<C: Command>(
    app: &App,
    call: &Call,
    key: Option<&Key>,
    command: &C,
) -> Result<C::Answer, Error> {
    let (answer, replayed) = ::store::retrying(|| attempt(app, call, key, command)).await?;
    if replayed {
        call.response
            .header(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(answer)
}

async fn attempt<C: Command>(
    app: &App,
    call: &Call,
    key: Option<&Key>,
    command: &C,
) -> Result<(C::Answer, bool), Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    match idempotency::claim(&txn, key, now).await? {
        Claim::New => {}
        Claim::Replay(answer) => return Ok((C::Answer::decode(answer.as_slice())?, true)),
        Claim::Pending => return Err(Error::KeyPending),
    }
    let answer = command.carry_out(app, call, &txn).await?;
    idempotency::seal(&txn, key, &answer.encode_to_vec(), now).await?;
    txn.commit().await?;
    Ok((answer, false))
}

/// The idempotency key of a call, if its caller sent one.
pub fn key<M: Message>(call: &Call, method: &'static str, request: &M) -> Option<Key> {
    let request = call.idempotent(request)?;
    let (subject, key, request_hash) = (request.subject, request.key, request.hash);
    Some(Key {
        subject,
        method,
        key,
        request_hash,
    })
}
