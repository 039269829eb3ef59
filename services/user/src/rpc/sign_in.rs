//! `AuthService/SignIn`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{SignInRequest, SignInResponse};

use super::tokens::{Carrier, device_token, shown, token_pair};
use crate::App;
use crate::browser::Browser;
use crate::domain::email::Email;
use crate::domain::password::Password;
use crate::sessions::{self, Device};

/// Exchanges an e-mail address and a password for a token pair.
pub async fn sign_in(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<SignInRequest>,
) -> Result<ConnectResponse<SignInResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let (email, password) = (
        Email::new(&request.email),
        Password::presented(&request.password),
    );
    let device = Device {
        name: browser.name().clone(),
        shown: shown(&browser, &request.device_token),
    };
    let (signed_in, by) = sessions::sign_in(&app, &email, password, &device).await?;
    let carrier = Carrier::of(request.use_cookie);
    let tokens = Some(token_pair(&app, &call, &signed_in, carrier).await?);
    Ok(ConnectResponse::new(SignInResponse {
        user: Some(signed_in.user.into()),
        tokens,
        device_token: device_token(&app, &call, device.shown, (&email, by), carrier),
    }))
}
