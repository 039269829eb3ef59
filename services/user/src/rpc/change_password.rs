//! `AuthService/ChangePassword`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{ChangePasswordRequest, ChangePasswordResponse};

use super::tokens::{Carrier, device_token};
use crate::App;
use crate::browser::Browser;
use crate::domain::password::{Owner, Password};
use crate::error::Error;
use crate::wire::person;
use crate::{accounts, credentials};

/// Replaces the caller's own password and ends all sessions but the caller's. Of the devices that
/// the account knew it goes on to know this one.
pub async fn change_password(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<ChangePasswordRequest>,
) -> Result<ConnectResponse<ChangePasswordResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let (id, session) = person(&call)?;
    let user = accounts::read(&app, &call, id).await?;
    let owner = Owner {
        email: user.email.as_str(),
        name: &user.name,
    };
    let next = Password::chosen(&request.password, owner).map_err(Error::BadPassword)?;
    let current = Password::presented(&request.current_password);
    let by = credentials::change(&app, &call.caller, (id, session), current, next).await?;
    tracing::info!(user.id = %id, "User {id} changed their password");
    let carrier = Carrier::of(request.use_cookie);
    Ok(ConnectResponse::new(ChangePasswordResponse {
        device_token: device_token(&app, &call, browser.marks(), (&user.email, by), carrier),
    }))
}
