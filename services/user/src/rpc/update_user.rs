//! `UserService/UpdateUser`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, Role};
use command::Command;
use futures::{FutureExt, TryFutureExt};
use proto::user::v1::{UpdateUserRequest, User, user_service};

use super::tokens::{Carrier, device_token};
use crate::App;
use crate::accounts::{self, Mover};
use crate::browser::Browser;
use crate::credentials;
use crate::domain::email::Email;
use crate::domain::id::UserId;
use crate::domain::password::Password;
use crate::domain::user::UserPatch;
use crate::error::Error;
use crate::known_device::Acquaintance;
use crate::password::KeptPassword;
use crate::wire::{line, person, roles, user_id};

/// Changes the fields that are present; roles only for an admin, and one's own address only by the
/// password. A browser that the account knew goes on to be known at the new address.
pub async fn update_user(
    State(app): State<App>,
    call: Call,
    browser: Browser,
    ConnectRequest(request): ConnectRequest<UpdateUserRequest>,
) -> Result<ConnectResponse<User>, ConnectError> {
    let mut request = edge::valid(request)?.into_inner();
    // Of a password the idempotency record learns nothing, not even a hash.
    let current = request.current_password.take();
    let command = Command::of(&call, user_service::UPDATE_USER, &request);
    let id = user_id(&request.id)?;
    let change = UserPatch::try_from(request)?;
    if change.roles.is_some() && !call.caller.has_role(Role::Admin) {
        return Err(Error::RolesRefused.into()); // whosever account it is
    }
    let own = person(&call)?.0 == id;
    let shown = match current {
        Some(current) if own => show(&app, &call, id, (&change, &current)).await?,
        _ => None,
    };
    let mover = if own {
        Mover::Owner(shown.as_ref())
    } else {
        Mover::Admin
    };
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        accounts::update(work, &call, id, &change, mover)
            .map_ok(Into::into)
            .boxed()
    })
    .await?;
    if let (Some(email), Some(shown)) = (&change.email, &shown)
        && !browser.marks().is_empty()
    {
        let known = (email, Acquaintance::of(id, shown));
        device_token(&app, &call, browser.marks(), known, Carrier::Cookie);
    }
    if let Some(roles) = change.roles {
        tracing::info!(user.id = %id, ?roles, "Set the roles of user {id}");
    }
    Ok(answer.respond(&call))
}

/// Compares the password, where one is needed: whoever repeats a change that was made is answered
/// as before. Whose account is gone is told so by the change itself, which asks for the session first.
async fn show(
    app: &App,
    call: &Call,
    id: UserId,
    (change, current): (&UserPatch, &str),
) -> Result<Option<KeptPassword>, Error> {
    match accounts::look_up(app, call.scope, id).await {
        Ok(user) if change.moves(&user) => {}
        Ok(_) | Err(Error::UserNotFound) => return Ok(None),
        Err(error) => return Err(error),
    }
    let shown = credentials::prove(app, &call.caller, id, Password::presented(current)).await?;
    Ok(Some(shown))
}

impl TryFrom<UpdateUserRequest> for UserPatch {
    type Error = Error;

    fn try_from(request: UpdateUserRequest) -> Result<Self, Error> {
        let name = request.name.as_deref().map(|name| line("name", name));
        Ok(Self {
            name: name.transpose()?,
            email: request.email.as_deref().map(Email::new),
            roles: (!request.roles.is_empty()).then(|| roles(&request.roles)),
        })
    }
}
