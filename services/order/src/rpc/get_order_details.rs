//! `OrderService/GetOrderDetails`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::order::v1::{GetOrderDetailsRequest, GetOrderDetailsResponse};
use proto::user::v1::Profile;

use crate::App;
use crate::domain::draft::Item;
use crate::error::Error;
use crate::history;
use crate::wire::order_id;

/// Who is shown when the user service does not answer.
const GUEST: &str = "Guest";

/// Reads an order, then its buyer and the stock of its items at the same time.
pub async fn get_order_details(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetOrderDetailsRequest>,
) -> Result<ConnectResponse<GetOrderDetailsResponse>, ConnectError> {
    let id = order_id(&edge::valid(request)?.order_id)?;
    let order = history::order(&app, call.scope, id).await?;
    let items = order.lines.iter();
    let items: Vec<Item> = items
        .map(|line| Item {
            sku: line.sku.clone(),
            quantity: line.quantity,
        })
        .collect();
    let (user, availability) = tokio::join!(
        app.advisers.profile(&call, order.customer_id),
        app.advisers.availability(&call, &items),
    );
    let mut degraded = Vec::new();
    let user = user.unwrap_or_else(|error| {
        missing(&mut degraded, "user", &error);
        Profile {
            customer_id: order.customer_id.to_string(),
            name: GUEST.to_owned(),
            ..Profile::default()
        }
    });
    let availability = availability.unwrap_or_else(|error| {
        missing(&mut degraded, "inventory", &error);
        Vec::new()
    });
    Ok(ConnectResponse::new(GetOrderDetailsResponse {
        order: Some((&order).into()),
        user: Some(user),
        availability,
        degraded,
    }))
}

fn missing(degraded: &mut Vec<String>, peer: &'static str, error: &Error) {
    tracing::warn!(peer, cause = %call::error::chain(error), "Order details are shown without {peer}");
    degraded.push(peer.to_owned());
}
