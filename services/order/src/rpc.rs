//! The rpcs: each file converts its messages and calls one application function.

mod cancel_order;
mod create_order;
mod get_order;
mod get_order_details;
mod get_order_timeline;
mod list_orders;
mod watch_order_status;
mod watch_order_updates;

use edge::{Service, get_connect};
use proto::order::v1::order_service::{
    GET_ORDER, GET_ORDER_DETAILS, GET_ORDER_TIMELINE, LIST_ORDERS,
};
use proto::order::v1::order_service_connect::OrderServiceTonicCompatibleBuilder;
use uuid::Uuid;

use crate::App;
use crate::domain::id::{CustomerId, OrderId};
use crate::error::Error;

/// Hands every rpc to the edge.
pub fn mount(service: Service, app: &App) -> Service {
    let orders = OrderServiceTonicCompatibleBuilder::new()
        .create_order(create_order::create_order)
        .get_order(get_order::get_order)
        .list_orders(list_orders::list_orders)
        .cancel_order(cancel_order::cancel_order)
        .get_order_details(get_order_details::get_order_details)
        .watch_order_status(watch_order_status::watch_order_status)
        .watch_order_updates(watch_order_updates::watch_order_updates)
        .get_order_timeline(get_order_timeline::get_order_timeline);
    let app = || app.clone();
    service
        .mount(orders.with_state(app()).build())
        .get(
            GET_ORDER,
            get_connect(get_order::get_order).with_state(app()),
        )
        .get(
            LIST_ORDERS,
            get_connect(list_orders::list_orders).with_state(app()),
        )
        .get(
            GET_ORDER_DETAILS,
            get_connect(get_order_details::get_order_details).with_state(app()),
        )
        .get(
            GET_ORDER_TIMELINE,
            get_connect(get_order_timeline::get_order_timeline).with_state(app()),
        )
}

/// Reads an id that the contract has checked.
fn order_id(text: &str) -> Result<OrderId, Error> {
    Uuid::parse_str(text)
        .map(OrderId)
        .map_err(|_| Error::Field("order_id"))
}

/// Reads an id that the contract has checked.
fn customer_id(text: &str, field: &'static str) -> Result<CustomerId, Error> {
    Uuid::parse_str(text)
        .map(CustomerId)
        .map_err(|_| Error::Field(field))
}
