//! Who calls, and whether they may. Identity comes from a verified token or from within
//! the process; no other header is ever asked.

use call::{Caller, Scope};
use connectrpc_axum::prelude::{Code, ConnectError};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use token::{Unverified, Verifier};

use super::guard;
use contract::{Denial, Method};

/// The identity of a call from within this process: an extension of the request, which
/// nothing that came over a socket can carry.
#[derive(Clone, Debug)]
pub struct LocalCaller(pub Caller);

/// Who presents this request.
///
/// # Errors
/// `unauthenticated` for a credential that is presented and not good, on public rpcs too:
/// a page for a person must not silently become a page for a stranger. `unavailable` for one that
/// may be good and cannot be checked: who is told that a good token is bad signs in again. What `may_check` says, which
/// is asked before a token that was not seen before costs a signature, and told whether it says that it is a service's.
pub(super) async fn caller(
    verifier: Option<&Verifier>,
    headers: &HeaderMap,
    local: Option<LocalCaller>,
    may_check: impl FnOnce(bool) -> Result<(), ConnectError>,
) -> Result<Caller, ConnectError> {
    if let Some(LocalCaller(caller)) = local {
        return Ok(caller);
    }
    let credential = match guard::at_most_one(headers, &AUTHORIZATION, Code::Unauthenticated) {
        Ok(Some(credential)) => credential,
        Ok(None) => return Ok(Caller::Anonymous),
        Err(twice) => return Err(may_check(false).err().unwrap_or(twice)),
    };
    let verified = match (verifier, credential.to_str().ok().and_then(bearer)) {
        (Some(verifier), Some(token)) => match verifier.known(token) {
            Some(caller) => return Ok(caller),
            None => {
                may_check(verifier.says_service(token))?;
                verifier.verify(token).await
            }
        },
        _ => {
            may_check(false)?; // nothing to look at costs an answer, too
            Err(Unverified::Bad)
        }
    };
    verified.map_err(|cause| match cause {
        Unverified::Bad => ConnectError::new(Code::Unauthenticated, "Invalid authentication token"),
        Unverified::Unchecked => {
            let message = "The authentication token cannot be checked now";
            ConnectError::new(Code::Unavailable, message)
        }
    })
}

pub(super) fn bearer(credential: &str) -> Option<&str> {
    let (scheme, token) = credential.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose objects the caller reaches through this rpc.
///
/// # Errors
/// `unauthenticated` where a token is missing, `permission_denied` where it does not
/// suffice, also for an rpc without a rule.
pub(super) fn scope(method: &Method, caller: &Caller) -> Result<Scope, ConnectError> {
    let denied = || {
        let message = format!("This caller may not call {}", method.name);
        ConnectError::new(Code::PermissionDenied, message)
    };
    let access = method.access.as_ref().ok_or_else(denied)?;
    access.admit(caller).map_err(|refusal| match refusal {
        Denial::PermissionDenied => denied(),
        Denial::Unauthenticated => {
            ConnectError::new(Code::Unauthenticated, "Missing authentication token")
        }
    })
}
