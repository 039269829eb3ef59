//! `UserAdminService/SetPassword`

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{SetPasswordRequest, SetPasswordResponse, user_admin_service};
use sha2::{Digest, Sha256};

use crate::App;
use crate::accounts;
use crate::domain::password::{Owner, Password};
use crate::error::Error;
use crate::moderation;
use crate::wire::user_id;

/// Replaces an account's password and ends its sessions.
pub async fn set_password(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SetPasswordRequest>,
) -> Result<ConnectResponse<SetPasswordResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let id = user_id(&request.id)?;
    let user = accounts::look_up(&app, call.scope, id).await?;
    let owner = Owner {
        email: user.email.as_str(),
        name: &user.name,
    };
    let password = Password::chosen(&request.password, owner).map_err(Error::BadPassword)?;
    let digested = digested(&app, &call, request, &password).await?;
    let command = Command::of(&call, user_admin_service::SET_PASSWORD, &digested);
    let hash = app.hasher.hash(password).await?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        moderation::set_password(work, &call.caller, id, &hash)
            .map_ok(|()| SetPasswordResponse::default())
            .boxed()
    })
    .await?;
    tracing::info!(user.id = %id, "Set the password of user {id}");
    Ok(answer.respond(&call))
}

/// The request as its idempotency record may know it. The record holds a plain hash of this, which
/// would tell the password to whoever guesses fast; so a slow digest of it stands in its place.
async fn digested(
    app: &App,
    call: &Call,
    mut request: SetPasswordRequest,
    password: &Password,
) -> Result<SetPasswordRequest, Error> {
    request.password.clear();
    let Some(key) = &call.idempotency_key else {
        return Ok(request); // and no record
    };
    let salted = Sha256::new()
        .chain_update(call.caller.subject())
        .chain_update([0])
        .chain_update(key.as_str())
        .finalize();
    let mut salt = [0; 16];
    salt.copy_from_slice(&salted[..16]);
    let digest = app.hasher.digest(password.clone(), salt).await?;
    request.password = STANDARD_NO_PAD.encode(digest);
    Ok(request)
}
