//! `UserAdminService/SetPassword`

use ::store::Transaction;
use ::store::idempotency::Key;
use axum::extract::State;
use proto::user::v1::{SetPasswordRequest, SetPasswordResponse, user_admin_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};
use sha2::{Digest, Sha256};

use super::user_id;
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::id::UserId;
use crate::domain::password::Password;
use crate::error::Error;
use crate::password::PasswordHash;

/// Replaces an account's password and ends its sessions.
pub async fn set_password(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SetPasswordRequest>,
) -> Result<ConnectResponse<SetPasswordResponse>, ConnectError> {
    let request = rpc::valid(request)?.into_inner();
    let id = user_id(&request.id)?;
    let password = Password::chosen(&request.password).map_err(Error::PasswordLength)?;
    let key = key(&app, &call, request, &password).await?;
    let hash = app.hasher.hash(password).await?;
    let set = command::once(&app, &call, key.as_ref(), &NewPassword { id, hash }).await?;
    tracing::info!(user.id = %id, "Set the password of user {id}");
    Ok(ConnectResponse::new(set))
}

/// The idempotency key, whose record would tell the password to whoever guesses quickly if it held
/// a plain hash of the request. It holds one of the request without the password, and of a slow
/// digest of that.
async fn key(
    app: &App,
    call: &Call,
    mut request: SetPasswordRequest,
    password: &Password,
) -> Result<Option<Key>, Error> {
    request.password.clear();
    let Some(mut key) = command::key(call, user_admin_service::SET_PASSWORD, &request) else {
        return Ok(None);
    };
    let salted = Sha256::new()
        .chain_update(&key.subject)
        .chain_update([0])
        .chain_update(&key.key);
    let mut salt = [0; 16];
    salt.copy_from_slice(&salted.finalize()[..16]);
    let digest = app.hasher.digest(password.clone(), salt).await?;
    let hash = Sha256::new()
        .chain_update(key.request_hash)
        .chain_update(digest)
        .finalize();
    key.request_hash = hash.into();
    Ok(Some(key))
}

/// A password to set, hashed.
struct NewPassword {
    id: UserId,
    hash: PasswordHash,
}

impl Command for NewPassword {
    type Answer = SetPasswordResponse;

    async fn carry_out(
        &self,
        app: &App,
        call: &Call,
        txn: &Transaction,
    ) -> Result<SetPasswordResponse, Error> {
        accounts::set_password(app, call, txn, self.id, &self.hash).await?;
        Ok(SetPasswordResponse {})
    }
}
