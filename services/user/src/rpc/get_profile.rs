//! `UserService/GetProfile`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::user::v1::{GetProfileRequest, GetProfileResponse, Profile};

use crate::App;
use crate::accounts;
use crate::domain::user::User;
use crate::wire::user_id;

/// Reads what other contexts may know about a customer.
pub async fn get_profile(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetProfileRequest>,
) -> Result<ConnectResponse<GetProfileResponse>, ConnectError> {
    let id = user_id(&edge::valid(request)?.customer_id)?;
    // Others ask for it with a person's token, which is good for as long as they take it for good.
    let user = accounts::look_up(&app, call.scope, id).await?;
    let profile = Some(user.into());
    Ok(ConnectResponse::new(GetProfileResponse { profile }))
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Self {
            customer_id: user.id.to_string(),
            first_name: user.first_name().to_owned(),
            can_place_orders: user.can_place_orders(),
            name: user.name.into_string(),
        }
    }
}
