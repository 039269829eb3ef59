//! `UserAdminService/UnblockUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{UnblockUserRequest, UnblockUserResponse, user_admin_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use super::{line, user_id};
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::id::UserId;
use crate::error::Error;

/// Restores what BlockUser took away.
pub async fn unblock_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<UnblockUserRequest>,
) -> Result<ConnectResponse<UnblockUserResponse>, ConnectError> {
    let key = command::key(&call, user_admin_service::UNBLOCK_USER, &request);
    let request = rpc::valid(request)?;
    let id = user_id(&request.id)?;
    let reason = line("reason", &request.reason)?;
    let unblocked = command::once(&app, &call, key.as_ref(), &Unblock(id)).await?;
    tracing::info!(user.id = %id, reason = %&*reason, "Unblocked user {id}");
    Ok(ConnectResponse::new(unblocked))
}

/// A block to lift.
struct Unblock(UserId);

impl Command for Unblock {
    type Answer = UnblockUserResponse;

    async fn carry_out(
        &self,
        app: &App,
        call: &Call,
        txn: &Transaction,
    ) -> Result<UnblockUserResponse, Error> {
        let user = accounts::unblock(app, call, txn, self.0).await?;
        Ok(UnblockUserResponse {
            user: Some(user.into()),
        })
    }
}
