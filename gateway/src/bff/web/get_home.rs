//! GetHome.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::bff::web::v1::{GetHomeRequest, GetHomeResponse, ProductCard};
use proto::catalog::v1::{Category, ListProductsRequest};
use proto::order::v1::{ListOrdersRequest, OrderSummary};
use proto::user::v1::{GetProfileRequest, Profile};

use super::card::{cards, cards_of};
use super::suggestion;
use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Degraded, required};

/// How many of a person's orders the page shows.
const RECENT_ORDERS: i32 = 3;
/// How many categories the page shows.
const CATEGORIES_MAX: usize = 24;
/// How many more products are read than are featured, so that what has no price yet does not
/// lead the page.
const SPARE: i32 = 16;

/// The front page: for a stranger one that sells, for a person one that knows them.
pub async fn get_home(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(_): ConnectRequest<GetHomeRequest>,
) -> Result<ConnectResponse<GetHomeResponse>, ConnectError> {
    let visitor = Visitor::new(&call, credential);
    let degraded = Degraded::default();
    let (shelves, user, (recent_orders, order_products), recommendations) = tokio::join!(
        shelves(&app, &visitor, &degraded),
        profile(&app, &visitor, &degraded),
        recent_orders(&app, &visitor, &degraded),
        suggestion::to(&app, &visitor, &degraded),
    );
    let (featured, categories) = shelves?;
    Ok(ConnectResponse::new(GetHomeResponse {
        user,
        featured,
        recommendations,
        recent_orders,
        degraded: degraded.into_inner(),
        categories,
        order_products,
    }))
}

/// What to begin with, and where to look around.
async fn shelves(
    app: &App,
    visitor: &Visitor,
    degraded: &Degraded,
) -> Result<(Vec<ProductCard>, Vec<Category>), ConnectError> {
    let count = app.config.featured;
    let request = ListProductsRequest {
        page_size: i32::from(count) + SPARE,
        ..ListProductsRequest::default()
    };
    let mut catalog = app.upstreams.catalog.clone();
    let found = required(catalog.list_products(visitor.ask(request)).await, &[])?;
    let mut featured = cards(app, visitor, found.products, degraded).await;
    featured.truncate(count.into());
    let mut categories = found.shelves;
    categories.truncate(CATEGORIES_MAX);
    Ok((featured, categories))
}

async fn profile(app: &App, visitor: &Visitor, degraded: &Degraded) -> Option<Profile> {
    let customer_id = visitor.user_id()?.to_string();
    let request = visitor.ask(GetProfileRequest { customer_id });
    let answer = app.upstreams.user.clone().get_profile(request).await;
    degraded.optional("user", answer)?.profile
}

/// The person's last orders, and what they hold.
async fn recent_orders(
    app: &App,
    visitor: &Visitor,
    degraded: &Degraded,
) -> (Vec<OrderSummary>, Vec<ProductCard>) {
    let Some(user_id) = visitor.user_id() else {
        return Default::default();
    };
    let request = visitor.ask(ListOrdersRequest {
        user_id: user_id.to_string(),
        page_size: RECENT_ORDERS,
        ..ListOrdersRequest::default()
    });
    let answer = app.upstreams.order.clone().list_orders(request).await;
    let orders = degraded.optional("order", answer);
    let orders = orders.map(|answer| answer.orders).unwrap_or_default();
    let skus = orders.iter().flat_map(|order| &order.skus);
    let products = cards_of(app, visitor, skus, degraded).await;
    (orders, products)
}
