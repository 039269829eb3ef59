//! Products as lists show them: the catalog's words with the price list's prices.

use std::collections::{BTreeSet, HashMap};

use proto::bff::web::v1::ProductCard;
use proto::catalog::v1::{BatchGetProductsRequest, Product};
use proto::pricing::v1::{BatchGetPricesRequest, BatchGetPricesResponse, Money};

use crate::App;
use crate::caller::Visitor;
use crate::part::Degraded;

/// How many products one call may name.
const PRODUCTS_MAX: usize = 100;

/// A card for each product, priced in one call; what nobody can buy, since it has no price,
/// comes last. Without prices the cards have none, and stay as they were.
pub(super) async fn cards(
    app: &App,
    visitor: &Visitor,
    products: Vec<Product>,
    degraded: &Degraded,
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
    let priced = |product: Product| {
        let price = prices.get(&product.sku).cloned();
        card(product, price)
    };
    let mut cards: Vec<_> = products.into_iter().map(priced).collect();
    cards.sort_by_key(|card| card.price.is_none());
    cards
}

/// A card without a price for each of the SKUs that is still sold, in one call, for the first
/// hundred of them.
pub(super) async fn cards_of<'a>(
    app: &App,
    visitor: &Visitor,
    skus: impl IntoIterator<Item = &'a String>,
    degraded: &Degraded,
) -> Vec<ProductCard> {
    let mut seen = BTreeSet::new();
    let skus: Vec<String> = skus
        .into_iter()
        .filter(|sku| seen.insert(*sku))
        .take(PRODUCTS_MAX)
        .cloned()
        .collect();
    if skus.is_empty() {
        return Vec::new();
    }
    let request = visitor.ask(BatchGetProductsRequest {
        skus,
        ..BatchGetProductsRequest::default()
    });
    let answer = app
        .upstreams
        .catalog
        .clone()
        .batch_get_products(request)
        .await;
    let products = degraded.optional("catalog", answer);
    let products = products.map(|answer| answer.products).unwrap_or_default();
    products
        .into_iter()
        .map(|product| card(product, None))
        .collect()
}

fn by_sku(answer: Option<BatchGetPricesResponse>) -> HashMap<String, Money> {
    let prices = answer.map(|answer| answer.prices).unwrap_or_default();
    let pairs = prices
        .into_iter()
        .filter_map(|price| Some((price.sku, price.amount?)));
    pairs.collect()
}

fn card(product: Product, price: Option<Money>) -> ProductCard {
    ProductCard {
        product_id: product.id,
        sku: product.sku,
        name: product.name,
        image_url: product.image_url,
        price,
    }
}
