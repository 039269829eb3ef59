//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod cancel_order;
mod create_order;
mod get_order;
mod get_order_details;
mod get_order_timeline;
mod list_orders;
mod watch_order_status;
mod watch_order_updates;

use edge::Service;
use proto::order::v1::order_service_connect::OrderServiceTonicCompatibleBuilder;

use crate::App;

/// Adds every rpc of this service.
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
    service.mount(orders.with_state(app.clone()))
}
