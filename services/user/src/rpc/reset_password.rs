//! `AuthService/ResetPassword`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{ResetPasswordRequest, ResetPasswordResponse};

use super::tokens::{Carrier, device_token};
use crate::App;
use crate::browser::Browser;
use crate::domain::password_reset::ResetToken;
use crate::error::Error;
use crate::{credentials, resets};

/// Sets a new password by the token of a letter and ends all sessions. The device that did is known
/// from then on, so that whoever is being guessed at gets in by it.
pub async fn reset_password(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<ResetPasswordRequest>,
) -> Result<ConnectResponse<ResetPasswordResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let token = ResetToken::parse(&request.token).ok_or(Error::BadResetToken)?;
    let user = resets::reset(&app, &token, &request.password).await?;
    tracing::info!(user.id = %user.id, "User {} set a forgotten password anew", user.id);
    let carrier = Carrier::of(request.use_cookie);
    let by = credentials::acquaintance(&app, user.id).await?;
    Ok(ConnectResponse::new(ResetPasswordResponse {
        device_token: device_token(&app, &call, browser.marks(), (&user.email, by), carrier),
    }))
}
