//! The rpcs: each file converts its messages and calls one application function.

mod block_user;
mod create_user;
mod delete_user;
mod get_jwks;
mod get_profile;
mod get_user;
mod list_users;
mod refresh;
mod set_password;
mod sign_in;
mod sign_out;
mod sign_up;
mod unblock_user;
mod update_user;
mod watch_user_updates;

use call::{Call, Role, Roles};
use chrono::{DateTime, Utc};
use edge::get_connect;
use proto::user::v1 as pb;
use proto::user::v1::auth_service_connect::AuthServiceTonicCompatibleBuilder;
use proto::user::v1::user_admin_service_connect::UserAdminServiceTonicCompatibleBuilder;
use proto::user::v1::user_service_connect::UserServiceTonicCompatibleBuilder;
use proto::user::v1::{auth_service, user_service};
use proto::wkt::Timestamp;
use token::ACCESS_LIFETIME;
use uuid::Uuid;

use crate::App;
use crate::browser;
use crate::domain::id::UserId;
use crate::domain::line::Line;
use crate::domain::user::User;
use crate::error::Error;
use crate::sessions::SignedIn;

/// Hands every rpc to the edge.
pub fn mount(service: edge::Service, app: &App) -> edge::Service {
    let users = UserServiceTonicCompatibleBuilder::new()
        .create_user(create_user::create_user)
        .get_user(get_user::get_user)
        .update_user(update_user::update_user)
        .delete_user(delete_user::delete_user)
        .list_users(list_users::list_users)
        .watch_user_updates(watch_user_updates::watch_user_updates)
        .get_profile(get_profile::get_profile);
    let auth = AuthServiceTonicCompatibleBuilder::new()
        .sign_up(sign_up::sign_up)
        .sign_in(sign_in::sign_in)
        .refresh(refresh::refresh)
        .sign_out(sign_out::sign_out)
        .get_jwks(get_jwks::get_jwks);
    let admin = UserAdminServiceTonicCompatibleBuilder::new()
        .block_user(block_user::block_user)
        .unblock_user(unblock_user::unblock_user)
        .set_password(set_password::set_password);
    service
        .mount(users.with_state(app.clone()).build())
        .mount(auth.with_state(app.clone()).build())
        .mount(admin.with_state(app.clone()).build())
        .get(
            user_service::GET_USER,
            get_connect(get_user::get_user).with_state(app.clone()),
        )
        .get(
            user_service::GET_PROFILE,
            get_connect(get_profile::get_profile).with_state(app.clone()),
        )
        .get(
            auth_service::GET_JWKS,
            get_connect(get_jwks::get_jwks).with_state(app.clone()),
        )
}

/// Reads an id that the contract has checked.
fn user_id(text: &str) -> Result<UserId, Error> {
    Uuid::parse_str(text)
        .map(UserId)
        .map_err(|_| Error::MalformedId)
}

/// Reads a line of text, whose length the contract has checked.
fn line(field: &'static str, text: &str) -> Result<Line, Error> {
    Ok(Line::parse(field, text)?)
}

/// Reads the names of roles, which the contract has checked.
fn roles(names: &[String]) -> Roles {
    names.iter().filter_map(|name| Role::parse(name)).collect()
}

fn timestamp(time: DateTime<Utc>) -> Option<Timestamp> {
    Some(Timestamp::from(time))
}

impl From<User> for pb::User {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.into_string(),
            email: user.email.as_str().to_owned(),
            roles: user
                .roles
                .iter()
                .map(|role| role.as_str().to_owned())
                .collect(),
            created_at: timestamp(user.created_at),
            updated_at: timestamp(user.updated_at),
        }
    }
}

/// How the refresh token reaches the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    /// In a cookie; the answer's field stays empty.
    Cookie,
    /// In the answer.
    Body,
}

impl Carrier {
    fn of(use_cookie: bool) -> Self {
        if use_cookie { Self::Cookie } else { Self::Body }
    }
}

/// Signs an access token and hands the pair over.
async fn token_pair(
    app: &App,
    call: &Call,
    signed_in: &SignedIn,
    carrier: Carrier,
) -> Result<pb::TokenPair, Error> {
    let user = call::User {
        id: signed_in.user.id.0,
        roles: signed_in.user.roles,
    };
    let access_token = app.keyring.sign(user).await?;
    let refresh_token = match carrier {
        Carrier::Body => signed_in.refresh_token.reveal(),
        Carrier::Cookie => {
            let now = app.clock.now();
            browser::keep(call, &signed_in.refresh_token, signed_in.expires_at, now);
            String::new()
        }
    };
    let expires_in = i32::try_from(ACCESS_LIFETIME.num_seconds()).unwrap_or(i32::MAX);
    let token_type = "Bearer".to_owned();
    Ok(pb::TokenPair {
        access_token,
        refresh_token,
        token_type,
        expires_in,
    })
}
