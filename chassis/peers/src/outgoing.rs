//! What an outgoing call takes along from the call that causes it.

use call::{Call, Caller, CorrelationId, Deadline, IdempotencyKey, User};
use telemetry::TraceContext;

/// The context of one outgoing call.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The person on whose behalf the call is made, if any.
    pub acting_for: Option<User>,
    /// When the answer is of no more use to whoever waits for it.
    pub deadline: Deadline,
    /// The id of the request that all this is part of.
    pub correlation_id: CorrelationId,
    /// The span that causes the call.
    pub trace: TraceContext,
    /// The key under which a repeat of this call is the same call.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The caller's own credential, forwarded as it came. Only the gateway does this: a
    /// page for a person is read with that person's rights.
    pub authorization: Option<http::HeaderValue>,
    /// Test traffic stays marked.
    pub synthetic: bool,
}

impl Outgoing {
    /// The context of a call made while `call` is answered.
    pub fn of(call: &Call) -> Self {
        Self {
            acting_for: call.caller.user().copied(),
            deadline: call.deadline,
            correlation_id: call.correlation_id.clone(),
            trace: call.trace,
            idempotency_key: None,
            authorization: None,
            synthetic: call.synthetic,
        }
    }

    /// Makes a repeat of the call the same call.
    pub fn idempotent(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// The person for whom the call is made, as they would appear to the callee if they
    /// called themselves.
    pub(crate) fn as_person(&self) -> Option<Caller> {
        self.authorization.as_ref()?;
        self.acting_for.map(Caller::User)
    }
}

/// A request to a peer, made while `call` is answered.
pub fn request<T>(call: &Call, message: T) -> tonic::Request<T> {
    request_as(Outgoing::of(call), message)
}

/// A request to a peer under a context of its own, such as a saga's.
pub fn request_as<T>(outgoing: Outgoing, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(outgoing);
    request
}
