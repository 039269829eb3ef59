//! `AuthService/ListSessions`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1 as pb;
use proto::user::v1::{ListSessionsRequest, ListSessionsResponse};

use crate::App;
use crate::domain::id::SessionId;
use crate::domain::session::Session;
use crate::sessions;
use crate::wire::{person, timestamp};

/// Reads the caller's own sessions, the last used first.
pub async fn list_sessions(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ListSessionsRequest>,
) -> Result<ConnectResponse<ListSessionsResponse>, ConnectError> {
    edge::valid(request)?;
    let (user, current) = person(&call)?;
    let sessions = sessions::list(&app, &call.caller, user).await?;
    let sessions = sessions.into_iter().map(|one| show(one, current));
    Ok(ConnectResponse::new(ListSessionsResponse {
        sessions: sessions.collect(),
    }))
}

fn show(session: Session, current: Option<SessionId>) -> pb::Session {
    pb::Session {
        id: session.id.to_string(),
        created_at: timestamp(session.created_at),
        last_used_at: timestamp(session.last_used_at()),
        expires_at: timestamp(session.expires_at),
        current: Some(session.id) == current,
        device: session.device.to_string(),
    }
}
