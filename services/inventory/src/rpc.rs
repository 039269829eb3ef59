//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod adjust_stock;
mod check_availability;
mod check_stock;
mod commit_stock;
mod get_stock_level;
mod release_stock;
mod reserve_stock;

use call::Call;
use edge::Service;
use proto::inventory::v1::inventory_service_connect::InventoryServiceTonicCompatibleBuilder;

use crate::App;
use crate::reservations::Demander;

/// Adds every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = InventoryServiceTonicCompatibleBuilder::new()
        .check_stock(check_stock::check_stock)
        .check_availability(check_availability::check_availability)
        .reserve_stock(reserve_stock::reserve_stock)
        .release_stock(release_stock::release_stock)
        .commit_stock(commit_stock::commit_stock)
        .get_stock_level(get_stock_level::get_stock_level)
        .adjust_stock(adjust_stock::adjust_stock)
        .with_state(app.clone());
    service.mount(routes)
}

/// A saga's step: the order's id tells a repeat, so it carries no key.
fn demander(call: &Call) -> Demander {
    Demander {
        origin: command::origin(call),
        user: call.caller.user_id(),
    }
}
