//! GetOrderPage.

use axum::extract::State;
use call::{Call, Code, ConnectError, ConnectRequest, ConnectResponse};
use proto::bff::web::v1::{GetOrderPageRequest, GetOrderPageResponse};
use proto::order::v1::{GetOrderRequest, GetOrderTimelineRequest};
use proto::payment::v1::{GetPaymentRequest, GetPaymentResponse};
use proto::user::v1::GetProfileRequest;

use super::card::cards_of;
use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Degraded, PeerResult, required};

/// One order with its buyer, payment, timeline and products. The order comes first: it says whose
/// it is.
pub async fn get_order_page(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(request): ConnectRequest<GetOrderPageRequest>,
) -> Result<ConnectResponse<GetOrderPageResponse>, ConnectError> {
    let order_id = edge::valid(request)?.into_inner().order_id;
    let visitor = Visitor::new(&call, credential);
    let mut orders = app.upstreams.order.clone();
    let wanted = GetOrderRequest {
        order_id: order_id.clone(),
    };
    let order = required(
        orders.get_order(visitor.ask(wanted)).await,
        &[tonic::Code::NotFound],
    )?;
    // Support reaches everyone's order, but this page is of one's own.
    if visitor.user_id().map(|id| id.to_string()) != Some(order.customer_id.clone()) {
        return Err(ConnectError::new(Code::NotFound, "order not found"));
    }
    let (mut users, mut payments) = (app.upstreams.user.clone(), app.upstreams.payment.clone());
    let customer_id = order.customer_id.clone();
    let degraded = Degraded::default();
    let skus = order.items.iter().map(|item| &item.sku);
    let (profile, payment, timeline, products) = tokio::join!(
        users.get_profile(visitor.ask(GetProfileRequest { customer_id })),
        payments.get_payment(visitor.ask(GetPaymentRequest {
            order_id: order_id.clone()
        })),
        orders.get_order_timeline(visitor.ask(GetOrderTimelineRequest { order_id })),
        cards_of(&app, &visitor, skus, &degraded),
    );
    let profile = degraded.optional("user", profile);
    let timeline = degraded.optional("order", timeline);
    Ok(ConnectResponse::new(GetOrderPageResponse {
        order: Some(order),
        products,
        user: profile.and_then(|answer| answer.profile),
        payment: degraded
            .optional("payment", none_yet(payment))
            .and_then(|it| it.payment),
        timeline: timeline.map(|answer| answer.entries).unwrap_or_default(),
        degraded: degraded.into_inner(),
    }))
}

/// An order that was never charged has no payment, which is no failure.
fn none_yet(answer: PeerResult<GetPaymentResponse>) -> PeerResult<GetPaymentResponse> {
    match answer {
        Err(status) if status.code() == tonic::Code::NotFound => {
            Ok(tonic::Response::new(GetPaymentResponse::default()))
        }
        answer => answer,
    }
}
