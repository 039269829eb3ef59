//! `UserAdminService/BlockUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{BlockUserRequest, BlockUserResponse};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use super::user_id;
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::id::UserId;
use crate::error::Error;

const PATH: &str = "/stoa.user.v1.UserAdminService/BlockUser";

/// Refuses sign-in and new orders until the account is unblocked.
pub async fn block_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<BlockUserRequest>,
) -> Result<ConnectResponse<BlockUserResponse>, ConnectError> {
    let key = command::key(&call, PATH, &request);
    let request = rpc::valid(request)?;
    let id = user_id(&request.id)?;
    let blocked = command::once(
        &app,
        &call,
        key.as_ref(),
        &Block {
            id,
            reason: request.into_inner().reason,
        },
    )
    .await?;
    Ok(ConnectResponse::new(blocked))
}

/// A block to set.
struct Block {
    id: UserId,
    reason: String,
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
