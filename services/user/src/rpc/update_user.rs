//! `UserService/UpdateUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{UpdateUserRequest, User};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse, Role, Valid};

use super::{roles, user_id};
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::user::Change;
use crate::error::Error;

const PATH: &str = "/stoa.user.v1.UserService/UpdateUser";

/// Changes the fields that are present; roles only for an admin.
pub async fn update_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<UpdateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let key = command::key(&call, PATH, &request);
    let request = rpc::valid(request)?;
    let id = user_id(&request.id)?;
    let change = Change::from(request);
    if change.roles.is_some() && !call.caller.has_role(Role::Admin) {
        return Err(Error::RolesRefused.into()); // whosever account it is
    }
    let user = command::once(&app, &call, key.as_ref(), &Edit { id, change }).await?;
    Ok(ConnectResponse::new(user))
}

impl From<Valid<UpdateUserRequest>> for Change {
    fn from(request: Valid<UpdateUserRequest>) -> Self {
        let request = request.into_inner();
        Self {
            name: request.name,
            email: request.email.as_deref().map(Email::new),
            roles: (!request.roles.is_empty()).then(|| roles(&request.roles)),
        }
    }
}

/// A change of an account.
struct Edit {
    id: UserId,
    change: Change,
}

impl Command for Edit {
    type Answer = User;

    async fn carry_out(&self, app: &App, call: &Call, txn: &Transaction) -> Result<User, Error> {
        accounts::update(app, call, txn, self.id, &self.change)
            .await
            .map(User::from)
    }
}
