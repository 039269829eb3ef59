//! `AuthService/SignOut`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{SignOutRequest, SignOutResponse};

use crate::App;
use crate::browser::{self, Browser};
use crate::domain::id::UserId;
use crate::domain::session::RefreshToken;
use crate::error::Error;
use crate::sessions::{self, Ending};

/// Ends the session of the refresh token, or all of the caller's. One that is over already is no
/// error: signing out twice is signing out.
pub async fn sign_out(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<SignOutRequest>,
) -> Result<ConnectResponse<SignOutResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let user = call
        .caller
        .user_id()
        .map(UserId)
        .ok_or(Error::UserNotFound)?;
    let token = match request.refresh_token.as_str() {
        "" => browser.refresh_token()?.cloned(),
        text => RefreshToken::parse(text),
    };
    let ending = if request.all_sessions {
        Some(Ending::All)
    } else {
        token.map(Ending::One)
    };
    if let Some(ending) = ending {
        sessions::sign_out(&app, &call.caller, user, &ending).await?;
    }
    if request.refresh_token.is_empty() {
        browser::forget(&call);
    }
    Ok(ConnectResponse::new(SignOutResponse {}))
}
