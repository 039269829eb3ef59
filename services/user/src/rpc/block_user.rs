//! `UserAdminService/BlockUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{BlockUserRequest, BlockUserResponse, user_admin_service};

use crate::App;
use crate::domain::user::User;
use crate::moderation;
use crate::wire::{line, user_id};

/// Refuses sign-in and new orders until the account is unblocked.
pub async fn block_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<BlockUserRequest>,
) -> Result<ConnectResponse<BlockUserResponse>, ConnectError> {
    let command = Command::of(&call, user_admin_service::BLOCK_USER, &request);
    let request = edge::valid(request)?;
    let (id, reason) = (user_id(&request.id)?, line("reason", &request.reason)?);
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        moderation::block(work, &call.caller, id, &reason)
            .map_ok(Into::into)
            .boxed()
    })
    .await?;
    tracing::info!(user.id = %id, reason = %&*reason, "Blocked user {id}");
    Ok(answer.respond(&call))
}

impl From<User> for BlockUserResponse {
    fn from(user: User) -> Self {
        let user = Some(user.into());
        Self { user }
    }
}
