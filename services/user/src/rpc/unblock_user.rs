//! `UserAdminService/UnblockUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{UnblockUserRequest, UnblockUserResponse, user_admin_service};

use crate::App;
use crate::domain::user::User;
use crate::moderation;
use crate::wire::{line, user_id};

/// Restores what BlockUser took away.
pub async fn unblock_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<UnblockUserRequest>,
) -> Result<ConnectResponse<UnblockUserResponse>, ConnectError> {
    let command = Command::of(&call, user_admin_service::UNBLOCK_USER, &request);
    let request = edge::valid(request)?;
    let (id, reason) = (user_id(&request.id)?, line("reason", &request.reason)?);
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        moderation::unblock(work, &call.caller, id)
            .map_ok(Into::into)
            .boxed()
    })
    .await?;
    tracing::info!(user.id = %id, reason = %&*reason, "Unblocked user {id}");
    Ok(answer.respond(&call))
}

impl From<User> for UnblockUserResponse {
    fn from(user: User) -> Self {
        let user = Some(user.into());
        Self { user }
    }
}
