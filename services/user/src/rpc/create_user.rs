//! `UserService/CreateUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{CreateUserRequest, User};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse, Valid};

use super::roles;
use crate::App;
use crate::accounts::{self, Draft};
use crate::command::{self, Command};
use crate::domain::email::Email;
use crate::error::Error;

const PATH: &str = "/stoa.user.v1.UserService/CreateUser";

/// Makes an account without a password.
pub async fn create_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let key = command::key(&call, PATH, &request);
    let draft = Draft::from(rpc::valid(request)?);
    let user = command::once(&app, &call, key.as_ref(), &draft).await?;
    Ok(ConnectResponse::new(user))
}

impl From<Valid<CreateUserRequest>> for Draft {
    fn from(request: Valid<CreateUserRequest>) -> Self {
        let (email, roles) = (Email::new(&request.email), roles(&request.roles));
        Self {
            name: request.into_inner().name,
            email,
            roles,
        }
    }
}

impl Command for Draft {
    type Answer = User;

    async fn carry_out(&self, app: &App, call: &Call, txn: &Transaction) -> Result<User, Error> {
        accounts::create(app, call, txn, self).await.map(User::from)
    }
}
