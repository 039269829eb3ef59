//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod block_user;
mod change_password;
mod create_user;
mod delete_user;
mod end_session;
mod get_jwks;
mod get_profile;
mod get_user;
mod list_sessions;
mod list_users;
mod refresh;
mod request_password_reset;
mod reset_password;
mod set_password;
mod sign_in;
mod sign_out;
mod sign_up;
mod tokens;
mod unblock_user;
mod update_user;
mod watch_user_updates;

use edge::Service;
use proto::user::v1::auth_service_connect::AuthServiceTonicCompatibleBuilder;
use proto::user::v1::user_admin_service_connect::UserAdminServiceTonicCompatibleBuilder;
use proto::user::v1::user_service_connect::UserServiceTonicCompatibleBuilder;

use crate::App;

/// Adds every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
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
        .list_sessions(list_sessions::list_sessions)
        .end_session(end_session::end_session)
        .change_password(change_password::change_password)
        .request_password_reset(request_password_reset::request_password_reset)
        .reset_password(reset_password::reset_password)
        .get_jwks(get_jwks::get_jwks);
    let admin = UserAdminServiceTonicCompatibleBuilder::new()
        .block_user(block_user::block_user)
        .unblock_user(unblock_user::unblock_user)
        .set_password(set_password::set_password);
    service
        .mount(users.with_state(app.clone()))
        .mount(auth.with_state(app.clone()))
        .mount(admin.with_state(app.clone()))
}
