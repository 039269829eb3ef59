//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod batch_get_prices;
mod get_price;
mod quote_items;
mod set_price;
mod set_promotion;

use edge::Service;
use proto::pricing::v1::pricing_service_connect::PricingServiceTonicCompatibleBuilder;

use crate::App;

/// Adds every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = PricingServiceTonicCompatibleBuilder::new()
        .get_price(get_price::get_price)
        .batch_get_prices(batch_get_prices::batch_get_prices)
        .quote_items(quote_items::quote_items)
        .set_price(set_price::set_price)
        .set_promotion(set_promotion::set_promotion)
        .with_state(app.clone());
    service.mount(routes)
}
