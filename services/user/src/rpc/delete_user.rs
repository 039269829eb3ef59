//! `UserService/DeleteUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{DeleteUserRequest, user_service};
use proto::wkt::Empty;
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use super::user_id;
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::id::UserId;
use crate::error::Error;

/// Removes an account and ends its sessions.
pub async fn delete_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<DeleteUserRequest>,
) -> Result<ConnectResponse<Empty>, ConnectError> {
    let key = command::key(&call, user_service::DELETE_USER, &request);
    let id = user_id(&rpc::valid(request)?.id)?;
    let deleted = command::once(&app, &call, key.as_ref(), &Deletion(id)).await?;
    tracing::info!(user.id = %id, "Deleted user {id}");
    Ok(ConnectResponse::new(deleted))
}

/// The end of an account.
struct Deletion(UserId);

impl Command for Deletion {
    type Answer = Empty;

    async fn carry_out(&self, app: &App, call: &Call, txn: &Transaction) -> Result<Empty, Error> {
        accounts::delete(app, call, txn, self.0)
            .await
            .map(|()| Empty {})
    }
}
