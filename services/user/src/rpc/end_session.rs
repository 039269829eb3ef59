//! `AuthService/EndSession`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{EndSessionRequest, EndSessionResponse};

use crate::App;
use crate::sessions;
use crate::wire::{person, session_id};

/// Ends one of the caller's own sessions.
pub async fn end_session(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<EndSessionRequest>,
) -> Result<ConnectResponse<EndSessionResponse>, ConnectError> {
    let id = session_id(&edge::valid(request)?.id)?;
    let (user, _) = person(&call)?;
    sessions::end_one(&app, &call.caller, user, id).await?;
    Ok(ConnectResponse::new(EndSessionResponse {}))
}
