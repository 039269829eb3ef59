//! `AuthService/RequestPasswordReset`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{RequestPasswordResetRequest, RequestPasswordResetResponse};

use crate::App;
use crate::domain::email::Email;
use crate::resets;

/// Has a letter sent with a token that sets a new password, if the address has an account.
pub async fn request_password_reset(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<RequestPasswordResetRequest>,
) -> Result<ConnectResponse<RequestPasswordResetResponse>, ConnectError> {
    let email = Email::new(&edge::valid(request)?.email);
    resets::request(&app, &call, email)?;
    Ok(ConnectResponse::new(RequestPasswordResetResponse {}))
}
