//! `AuthService/Refresh`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{RefreshRequest, RefreshResponse};

use super::tokens::{Carrier, token_pair};
use crate::App;
use crate::browser::{self, Browser};
use crate::domain::session::RefreshToken;
use crate::error::Error;
use crate::sessions;

/// Exchanges a refresh token for the next pair, which travels as the token did.
pub async fn refresh(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<RefreshRequest>,
) -> Result<ConnectResponse<RefreshResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let (token, carrier) = match request.refresh_token.as_str() {
        "" => (browser.refresh_token()?.cloned(), Carrier::Cookie),
        text => (RefreshToken::parse(text), Carrier::Body),
    };
    let signed_in = match token {
        Some(token) => sessions::refresh(&app, &token).await,
        None => Err(Error::SessionOver),
    };
    if carrier == Carrier::Cookie && matches!(signed_in, Err(Error::SessionOver)) {
        browser::forget(&call);
    }
    let tokens = Some(token_pair(&app, &call, &signed_in?, carrier).await?);
    Ok(ConnectResponse::new(RefreshResponse { tokens }))
}
