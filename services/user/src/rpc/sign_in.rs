//! `AuthService/SignIn`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{SignInRequest, SignInResponse};

use super::tokens::{Carrier, token_pair};
use crate::App;
use crate::domain::email::Email;
use crate::domain::password::Password;
use crate::sessions;

/// Exchanges an e-mail address and a password for a token pair.
pub async fn sign_in(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SignInRequest>,
) -> Result<ConnectResponse<SignInResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let (email, password) = (
        Email::new(&request.email),
        Password::presented(&request.password),
    );
    let signed_in = sessions::sign_in(&app, &email, password).await?;
    let carrier = Carrier::of(request.use_cookie);
    let tokens = Some(token_pair(&app, &call, &signed_in, carrier).await?);
    Ok(ConnectResponse::new(SignInResponse {
        user: Some(signed_in.user.into()),
        tokens,
    }))
}
