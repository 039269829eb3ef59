//! Hands each function to the generated builder. Conversions that several rpcs need stand here,
//! those of one rpc in its file.

mod batch_get_products;
mod create_product;
mod delete_product;
mod get_product;
mod list_products;
mod set_display_price;
mod update_product;

use edge::{Service, get_connect};
use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service as path;
use proto::catalog::v1::catalog_service_connect::CatalogServiceTonicCompatibleBuilder;
use proto::pricing::v1::Money;
use uuid::Uuid;

use crate::App;
use crate::domain::product::{Product, ProductId};
use crate::error::Error;

/// Every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = CatalogServiceTonicCompatibleBuilder::new()
        .list_products(list_products::list_products)
        .get_product(get_product::get_product)
        .batch_get_products(batch_get_products::batch_get_products)
        .create_product(create_product::create_product)
        .update_product(update_product::update_product)
        .delete_product(delete_product::delete_product)
        .set_display_price(set_display_price::set_display_price)
        .with_state(app.clone())
        .build();
    let list = get_connect(list_products::list_products);
    let get = get_connect(get_product::get_product);
    let batch = get_connect(batch_get_products::batch_get_products);
    service
        .mount(routes)
        .get(path::LIST_PRODUCTS, list.with_state(app.clone()))
        .get(path::GET_PRODUCT, get.with_state(app.clone()))
        .get(path::BATCH_GET_PRODUCTS, batch.with_state(app.clone()))
}

/// The id in a request, which the contract's rules have found to be a UUID.
fn product_id(text: &str) -> Result<ProductId, Error> {
    Uuid::parse_str(text)
        .map(ProductId)
        .map_err(|_| Error::Field { field: "id" })
}

impl From<Product> for pb::Product {
    fn from(product: Product) -> Self {
        let display_price = product.display_price.map(|price| Money {
            currency_code: price.currency_code,
            minor_units: price.minor_units,
        });
        Self {
            id: product.id.to_string(),
            sku: product.sku.into_string(),
            name: product.name,
            description: product.description,
            category: product.category,
            image_url: product.image_url,
            display_price,
            created_at: Some(product.created_at.into()),
            updated_at: Some(product.updated_at.into()),
        }
    }
}
