//! `UserService/UpdateUser`

use ::store::Transaction;
use axum::extract::State;
use proto::user::v1::{UpdateUserRequest, User, user_service};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse, Role, Valid};

use super::{line, roles, user_id};
use crate::App;
use crate::accounts;
use crate::command::{self, Command};
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::user::Change;
use crate::error::Error;

/// Changes the fields that are present; roles only for an admin.
pub async fn update_user(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<UpdateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let key = command::key(&call, user_service::UPDATE_USER, &request);
    let request = rpc::valid(request)?;
    let id = user_id(&request.id)?;
    let change = Change::try_from(request)?;
    if change.roles.is_some() && !call.caller.has_role(Role::Admin) {
        return Err(Error::RolesRefused.into()); // whosever account it is
    }
    let edit = Edit { id, change };
    let user = command::once(&app, &call, key.as_ref(), &edit).await?;
    if edit.change.roles.is_some() {
        tracing::info!(user.id = %id, roles = ?user.roles, "Set the roles of user {id}");
    }
    Ok(ConnectResponse::new(user))
}

impl TryFrom<Valid<UpdateUserRequest>> for Change {
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
