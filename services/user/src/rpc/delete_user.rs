//! `UserService/DeleteUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{DeleteUserRequest, user_service};
use proto::wkt::Empty;

use crate::App;
use crate::accounts;
use crate::wire::user_id;

/// Removes an account and ends its sessions.
pub async fn delete_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<DeleteUserRequest>,
) -> Result<ConnectResponse<Empty>, ConnectError> {
    let command = Command::of(&call, user_service::DELETE_USER, &request);
    let id = user_id(&edge::valid(request)?.id)?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        accounts::delete(work, &call, id)
            .map_ok(|()| Empty::default())
            .boxed()
    })
    .await?;
    tracing::info!(user.id = %id, "Deleted user {id}");
    Ok(answer.respond(&call))
}
