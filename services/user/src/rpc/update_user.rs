//! `UserService/UpdateUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, Role};
use command::Command;
use edge::Valid;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{UpdateUserRequest, User, user_service};

use crate::App;
use crate::accounts;
use crate::domain::email::Email;
use crate::domain::user::UserPatch;
use crate::error::Error;
use crate::wire::{line, roles, user_id};

/// Changes the fields that are present; roles only for an admin.
pub async fn update_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<UpdateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let command = Command::of(&call, user_service::UPDATE_USER, &request);
    let request = edge::valid(request)?;
    let id = user_id(&request.id)?;
    let change = UserPatch::try_from(request)?;
    if change.roles.is_some() && !call.caller.has_role(Role::Admin) {
        return Err(Error::RolesRefused.into()); // whosever account it is
    }
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        accounts::update(work, call.scope, id, &change)
            .map_ok(Into::into)
            .boxed()
    })
    .await?;
    if let Some(roles) = change.roles {
        tracing::info!(user.id = %id, ?roles, "Set the roles of user {id}");
    }
    Ok(answer.respond(&call))
}

impl TryFrom<Valid<UpdateUserRequest>> for UserPatch {
    type Error = Error;

    fn try_from(request: Valid<UpdateUserRequest>) -> Result<Self, Error> {
        let name = request.name.as_deref().map(|name| line("name", name));
        Ok(Self {
            name: name.transpose()?,
            email: request.email.as_deref().map(Email::new),
            roles: (!request.roles.is_empty()).then(|| roles(&request.roles)),
        })
    }
}
