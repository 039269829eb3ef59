//! `UserService/GetUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{GetUserRequest, User};

use crate::App;
use crate::accounts;
use crate::wire::user_id;

/// Reads one account within reach of the caller.
pub async fn get_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let id = user_id(&edge::valid(request)?.id)?;
    let user = accounts::read(&app, &call, id).await?;
    Ok(ConnectResponse::new(user.into()))
}
