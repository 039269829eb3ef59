//! `OrderService/ListOrders`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::order::v1::{ListOrdersRequest, ListOrdersResponse, OrderStatus, OrderSummary};

use crate::App;
use crate::domain::order::Status;
use crate::domain::summary::{OrderFilter, Summary};
use crate::error::Error;
use crate::history;
use crate::wire::customer_id;
use crate::wire::status;

/// Pages through a person's orders, newest first.
pub async fn list_orders(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<ListOrdersRequest>,
) -> Result<ConnectResponse<ListOrdersResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let filter = OrderFilter {
        customer_id: customer_id(&request.user_id, "user_id")?,
        status: wanted(request.status())?,
    };
    let page = history::page(&app, &call, filter, request.page_size, &request.page_token).await?;
    let mut skus = page.skus;
    let listed = |order: Summary| {
        let skus = skus.remove(&order.id).unwrap_or_default();
        summary(order, &page.customer_name, skus)
    };
    Ok(ConnectResponse::new(ListOrdersResponse {
        orders: page.orders.into_iter().map(listed).collect(),
        next_page_token: page.next_page_token,
        total_size: i32::try_from(page.total_size).unwrap_or(i32::MAX),
    }))
}

fn wanted(status: OrderStatus) -> Result<Option<Status>, Error> {
    match status {
        OrderStatus::Unspecified => Ok(None),
        one => {
            let number = i16::try_from(i32::from(one)).map_err(|_| Error::Field("status"))?;
            Status::from_number(number)
                .map(Some)
                .ok_or(Error::Field("status"))
        }
    }
}

fn summary(order: Summary, user_name: &str, skus: Vec<String>) -> OrderSummary {
    OrderSummary {
        id: order.id.to_string(),
        user_id: order.customer_id.to_string(),
        user_name: user_name.to_owned(),
        status: status(order.status).into(),
        item_count: order.piece_count,
        total: Some(order.total.into()),
        created_at: Some(order.created_at.into()),
        updated_at: Some(order.updated_at.into()),
        skus,
    }
}
