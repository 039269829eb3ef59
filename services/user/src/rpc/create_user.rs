//! `UserService/CreateUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use command::Command;
use edge::Valid;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{CreateUserRequest, User, user_service};

use crate::App;
use crate::accounts::{self, NewAccount};
use crate::domain::email::Email;
use crate::error::Error;
use crate::wire::{line, roles};

/// Makes an account without a password.
pub async fn create_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let command = Command::of(&call, user_service::CREATE_USER, &request);
    let draft = NewAccount::try_from(edge::valid(request)?)?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        accounts::create(work, &call.caller, &draft)
            .map_ok(Into::into)
            .boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl TryFrom<Valid<CreateUserRequest>> for NewAccount {
    type Error = Error;

    fn try_from(request: Valid<CreateUserRequest>) -> Result<Self, Error> {
        Ok(Self {
            name: line("name", &request.name)?,
            email: Email::new(&request.email),
            roles: roles(&request.roles),
        })
    }
}
