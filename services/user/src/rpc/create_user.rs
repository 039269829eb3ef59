//! `UserService/CreateUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{CreateUserRequest, User, user_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse, Valid};

use super::{line, roles};
use crate::App;
use crate::accounts::{self, Draft};
use crate::command::{self, Command};
use crate::domain::email::Email;
use crate::error::Error;

/// Makes an account without a password.
pub async fn create_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let key = command::key(&call, user_service::CREATE_USER, &request);
    let draft = Draft::try_from(rpc::valid(request)?)?;
    let user = command::once(&app, &call, key.as_ref(), &draft).await?;
    Ok(ConnectResponse::new(user))
}

impl TryFrom<Valid<CreateUserRequest>> for Draft {
    type Error = Error;

    fn try_from(request: Valid<CreateUserRequest>) -> Result<Self, Error> {
        Ok(Self {
            name: line("name", &request.name)?,
            email: Email::new(&request.email),
            roles: roles(&request.roles),
        })
    }
}

impl Command for Draft {
    type Answer = User;

    async fn carry_out(&self, app: &App, call: &Call, txn: &Transaction) -> Result<User, Error> {
        accounts::create(app, call, txn, self).await.map(User::from)
    }
}
