//! GetHome.

use axum::extract::State;
use proto::bff::web::v1::{GetHomeRequest, GetHomeResponse};
use proto::catalog::v1::ListProductsRequest;
use proto::order::v1::{ListOrdersRequest, ListOrdersResponse};
use proto::user::v1::{GetProfileRequest, GetProfileResponse};
use rpc::{Call, ConnectError, ConnectRequest, ConnectResponse};

use super::card::cards;
use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Answer, Degraded, required};

/// How many of a person's orders the page shows.
const RECENT_ORDERS: i32 = 3;

/// The front page: for a stranger one that sells, for a person one that knows them.
pub async fn get_home(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(_): ConnectRequest<GetHomeRequest>,
) -> Result<ConnectResponse<GetHomeResponse>, ConnectError> {
    let visitor = Visitor::new(&call, credential);
    let mut catalog = app.upstreams.catalog.clone();
    let (products, profile, orders) = tokio::join!(
        catalog.list_products(visitor.ask(ListProductsRequest {
            page_size: app.config.featured.into(),
            ..ListProductsRequest::default()
        })),
        profile(&app, &visitor),
        recent_orders(&app, &visitor),
    );
    let mut degraded = Degraded::default();
    let featured = cards(&app, &visitor, required(products)?.products, &mut degraded).await;
    let profile = profile.and_then(|answer| degraded.optional("user", answer));
    let orders = orders.and_then(|answer| degraded.optional("order", answer));
    Ok(ConnectResponse::new(GetHomeResponse {
        user: profile.and_then(|answer| answer.profile),
        featured,
        // Nobody recommends yet; the field fills when that service joins the suite.
        recommendations: Vec::new(),
        recent_orders: orders.map(|answer| answer.orders).unwrap_or_default(),
        degraded: degraded.into_inner(),
    }))
}

async fn profile(app: &App, visitor: &Visitor) -> Option<Answer<GetProfileResponse>> {
    let customer_id = visitor.user_id()?.to_string();
    let request = visitor.ask(GetProfileRequest { customer_id });
    Some(app.upstreams.user.clone().get_profile(request).await)
}

async fn recent_orders(app: &App, visitor: &Visitor) -> Option<Answer<ListOrdersResponse>> {
    let user_id = visitor.user_id()?.to_string();
    let request = ListOrdersRequest {
        user_id,
        page_size: RECENT_ORDERS,
        ..Default::default()
    };
    Some(
        app.upstreams
            .order
            .clone()
            .list_orders(visitor.ask(request))
            .await,
    )
}
