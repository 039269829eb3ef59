//! `UserAdminService/BlockUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{BlockUserRequest, BlockUserResponse, user_admin_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use super::{line, user_id};
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::id::UserId;
use crate::domain::line::Line;
use crate::error::Error;

/// Refuses sign-in and new orders until the account is unblocked.
pub async fn block_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<BlockUserRequest>,
) -> Result<ConnectResponse<BlockUserResponse>, ConnectError> {
    let key = command::key(&call, user_admin_service::BLOCK_USER, &request);
    let request = rpc::valid(request)?;
    let block = Block {
        id: user_id(&request.id)?,
        reason: line("reason", &request.reason)?,
    };
    let blocked = command::once(&app, &call, key.as_ref(), &block).await?;
    tracing::info!(user.id = %block.id, reason = %&*block.reason, "Blocked user {}", block.id);
    Ok(ConnectResponse::new(blocked))
}

/// A block to set.
struct Block {
    id: UserId,
    reason: Line,
}

impl Command for Block {
    type Answer = BlockUserResponse;

    async fn carry_out(
        &self,
        app: &App,
        call: &Call,
        txn: &Transaction,
    ) -> Result<BlockUserResponse, Error> {
        let user = accounts::block(app, call, txn, self.id, &self.reason).await?;
        Ok(BlockUserResponse {
            user: Some(user.into()),
        })
    }
}
