//! What a page suggests. Every page can do without: it waits for this no longer than a call to that peer
//! may take, beside its other parts, and then for the cards of what was suggested.

use std::collections::HashMap;

use proto::bff::web::v1::ProductCard;
use proto::catalog::v1::{BatchGetProductsRequest, Product};
use proto::recommendation::v1::{GetRecommendationsRequest, GetSuggestionsRequest, Suggestion};

use super::card::cards;
use crate::App;
use crate::caller::Visitor;
use crate::part::Degraded;

const PEER: &str = "recommendation";
/// How many a page shows.
const SHOWN_MAX: usize = 8;
/// How many more are asked for, since some may not be sold any more by now.
const SPARE: usize = 4;

/// What goes with a product, without itself.
pub(super) async fn with(
    app: &App,
    visitor: &Visitor,
    sku: &str,
    degraded: &Degraded,
) -> Vec<ProductCard> {
    let mut items = suggestions(app, visitor, sku, degraded).await;
    items.retain(|item| item.sku != sku);
    shelf(app, visitor, items, degraded).await
}

/// What the person may like; of a stranger nothing is known but that what sells best pleases most.
pub(super) async fn to(app: &App, visitor: &Visitor, degraded: &Degraded) -> Vec<ProductCard> {
    let items = match visitor.user_id() {
        None => suggestions(app, visitor, "", degraded).await,
        Some(user_id) => {
            let request = visitor.ask(GetRecommendationsRequest {
                user_id: user_id.to_string(),
                limit: limit(),
            });
            let mut recommendation = app.upstreams.recommendation.clone();
            let answer = recommendation.get_recommendations(request).await;
            let answer = degraded.optional(PEER, answer);
            answer.map(|answer| answer.items).unwrap_or_default()
        }
    };
    shelf(app, visitor, items, degraded).await
}

async fn suggestions(
    app: &App,
    visitor: &Visitor,
    sku: &str,
    degraded: &Degraded,
) -> Vec<Suggestion> {
    let request = visitor.ask(GetSuggestionsRequest {
        sku: sku.to_owned(),
        limit: limit(),
    });
    let mut recommendation = app.upstreams.recommendation.clone();
    let answer = degraded.optional(PEER, recommendation.get_suggestions(request).await);
    answer.map(|answer| answer.items).unwrap_or_default()
}

fn limit() -> i32 {
    (SHOWN_MAX + SPARE) as i32
}

/// Their cards, in their order, as far as they are still sold.
async fn shelf(
    app: &App,
    visitor: &Visitor,
    items: Vec<Suggestion>,
    degraded: &Degraded,
) -> Vec<ProductCard> {
    if items.is_empty() {
        return Vec::new();
    }
    let skus: Vec<String> = items.into_iter().map(|item| item.sku).collect();
    let request = visitor.ask(BatchGetProductsRequest {
        skus: skus.clone(),
        ..BatchGetProductsRequest::default()
    });
    let mut catalog = app.upstreams.catalog.clone();
    let found = degraded.optional("catalog", catalog.batch_get_products(request).await);
    let found = found.map(|answer| answer.products).unwrap_or_default();
    let of_sku = found
        .into_iter()
        .map(|product| (product.sku.clone(), product));
    let mut of_sku: HashMap<String, Product> = of_sku.collect();
    let products = skus.iter().filter_map(|sku| of_sku.remove(sku)).collect();
    let mut cards = cards(app, visitor, products, degraded).await;
    cards.truncate(SHOWN_MAX);
    cards
}
