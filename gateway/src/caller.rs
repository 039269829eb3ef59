//! On whose behalf a page asks. A page for a person is read with that person's own
//! credential, so that the gateway can never see more than they may; only a stranger's
//! page is read as the gateway.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use call::{Call, Caller};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use peers::Outgoing;
use uuid::Uuid;

/// The credential of the request, as it came.
#[derive(Clone, Debug)]
pub struct Credential(Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for Credential {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut credential = parts.headers.get(AUTHORIZATION).cloned();
        if let Some(value) = &mut credential {
            value.set_sensitive(true);
        }
        Ok(Self(credential))
    }
}

/// The visitor of a page.
#[derive(Clone)]
pub(crate) struct Visitor {
    outgoing: Outgoing,
    user_id: Option<Uuid>,
}

impl Visitor {
    pub(crate) fn new(call: &Call, credential: Credential) -> Self {
        let user_id = match &call.caller {
            Caller::User(user) => Some(user.id),
            Caller::Anonymous | Caller::Service { .. } => None,
        };
        let authorization = credential.0.filter(|_| user_id.is_some());
        Self {
            outgoing: Outgoing {
                authorization,
                ..Outgoing::of(call)
            },
            user_id,
        }
    }

    /// The person signed in, if one is.
    pub(crate) fn user_id(&self) -> Option<Uuid> {
        self.user_id
    }

    /// A request to a service, made for this visitor.
    pub(crate) fn ask<T>(&self, message: T) -> tonic::Request<T> {
        peers::request_as(self.outgoing.clone(), message)
    }
}
