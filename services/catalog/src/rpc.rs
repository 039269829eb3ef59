//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod batch_get_products;
mod create_product;
mod delete_product;
mod get_product;
mod list_products;
mod set_display_price;
mod update_product;

use edge::Service;
use proto::catalog::v1::catalog_service_connect::CatalogServiceTonicCompatibleBuilder;

use crate::App;

/// Adds every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = CatalogServiceTonicCompatibleBuilder::new()
        .list_products(list_products::list_products)
        .get_product(get_product::get_product)
        .batch_get_products(batch_get_products::batch_get_products)
        .create_product(create_product::create_product)
        .update_product(update_product::update_product)
        .delete_product(delete_product::delete_product)
        .set_display_price(set_display_price::set_display_price)
        .with_state(app.clone());
    service.mount(routes)
}
