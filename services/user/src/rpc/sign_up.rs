//! `AuthService/SignUp`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{SignUpRequest, SignUpResponse};

use super::tokens::{Carrier, device_token, token_pair};
use crate::App;
use crate::accounts::NewAccount;
use crate::browser::Browser;
use crate::domain::email::Email;
use crate::domain::password::{Owner, Password};
use crate::domain::user;
use crate::error::Error;
use crate::sessions;
use crate::wire::line;

/// Makes a customer's account and signs it in.
pub async fn sign_up(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<SignUpRequest>,
) -> Result<ConnectResponse<SignUpResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let owner = Owner {
        email: &request.email,
        name: &request.name,
    };
    let password = Password::chosen(&request.password, owner).map_err(Error::BadPassword)?;
    let email = Email::new(&request.email);
    let draft = NewAccount {
        name: line("name", &request.name)?,
        email,
        roles: user::customer(),
    };
    let (signed_in, by) = sessions::sign_up(&app, &call, &draft, password, browser.name()).await?;
    let carrier = Carrier::of(request.use_cookie);
    let tokens = Some(token_pair(&app, &call, &signed_in, carrier).await?);
    Ok(ConnectResponse::new(SignUpResponse {
        user: Some(signed_in.user.into()),
        tokens,
        device_token: device_token(&app, &call, browser.marks(), (&draft.email, by), carrier),
    }))
}
