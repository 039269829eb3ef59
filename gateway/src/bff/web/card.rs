//! Products as lists show them: the catalog's words with the price list's prices.

use std::collections::HashMap;

use proto::bff::web::v1::ProductCard;
use proto::catalog::v1::Product;
use proto::pricing::v1::{BatchGetPricesRequest, BatchGetPricesResponse, Money};

use crate::App;
use crate::caller::Visitor;
use crate::part::Degraded;

/// A card for each product, priced in one call. Without prices the cards have none.
pub(super) async fn cards(
    app: &App,
    visitor: &Visitor,
    products: Vec<Product>,
    degraded: &mut Degraded,
) -> Vec<ProductCard> {
    let skus: Vec<String> = products.iter().map(|product| product.sku.clone()).collect();
    let prices = if skus.is_empty() {
        HashMap::new()
    } else {
        let currency_code = app.config.currency.clone();
        let request = visitor.ask(BatchGetPricesRequest {
            skus,
            currency_code,
        });
        let answer = app
            .upstreams
            .pricing
            .clone()
            .batch_get_prices(request)
            .await;
        by_sku(degraded.optional("pricing", answer))
    };
    products
        .into_iter()
        .map(|product| card(product, &prices))
        .collect()
}

fn by_sku(answer: Option<BatchGetPricesResponse>) -> HashMap<String, Money> {
    let prices = answer.map(|answer| answer.prices).unwrap_or_default();
    let pairs = prices
        .into_iter()
        .filter_map(|price| Some((price.sku, price.amount?)));
    pairs.collect()
}

fn card(product: Product, prices: &HashMap<String, Money>) -> ProductCard {
    ProductCard {
        price: prices.get(&product.sku).cloned(),
        product_id: product.id,
        sku: product.sku,
        name: product.name,
        image_url: product.image_url,
    }
}
