//! `OrderService/GetOrderDetails`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use peers::fallback;
use proto::order::v1::{GetOrderDetailsRequest, GetOrderDetailsResponse};
use proto::user::v1::Profile;

use crate::App;
use crate::domain::draft::Item;
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
    let user = fallback("user", user, || Profile {
        customer_id: order.customer_id.to_string(),
        name: GUEST.to_owned(),
        ..Profile::default()
    });
    let availability = fallback("inventory", availability, Vec::new);
    let missing = [user.missing, availability.missing].into_iter().flatten();
    Ok(ConnectResponse::new(GetOrderDetailsResponse {
        order: Some((&order).into()),
        user: Some(user.value),
        availability: availability.value,
        degraded: missing.map(str::to_owned).collect(),
    }))
}
