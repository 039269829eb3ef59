//! GetCartPage.

use std::collections::HashMap;

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::bff::web::v1::{CartLine, GetCartPageRequest, GetCartPageResponse};
use proto::catalog::v1::{BatchGetProductsRequest, Product};
use proto::inventory::v1::{CheckAvailabilityRequest, ItemAvailability, StockItem};
use proto::order::v1::OrderItem;
use proto::pricing::v1::{QuoteItem, QuoteItemsRequest, QuoteLine};
use proto::user::v1::{GetProfileRequest, GetProfileResponse};
use tonic::Code;

use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Degraded, PeerResult, required};

/// What peers say of the things in a cart, which came in the page's own request: their sum may be too large.
const OF_ITEMS: &[Code] = &[Code::InvalidArgument, Code::FailedPrecondition];

/// What the cart in the browser costs now, and what of it can be had. The four calls are
/// the same for one line and for a hundred.
pub async fn get_cart_page(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(request): ConnectRequest<GetCartPageRequest>,
) -> Result<ConnectResponse<GetCartPageResponse>, ConnectError> {
    let items = edge::valid(request)?.into_inner().items;
    let visitor = Visitor::new(&call, credential);
    if items.is_empty() {
        return Ok(ConnectResponse::new(GetCartPageResponse::default()));
    }
    let mut catalog = app.upstreams.catalog.clone();
    let mut inventory = app.upstreams.inventory.clone();
    let mut pricing = app.upstreams.pricing.clone();
    let (products, availability, quote, profile) = tokio::join!(
        catalog.batch_get_products(visitor.ask(products_of(&items))),
        inventory.check_availability(visitor.ask(stock_of(&items))),
        pricing.quote_items(visitor.ask(quote_of(&app, &items))),
        profile(&app, &visitor),
    );
    let stock = required(availability, OF_ITEMS)?;
    let quote = required(quote, OF_ITEMS)?;
    let degraded = Degraded::default();
    let may_order = match profile.map(|answer| degraded.optional("user", answer)) {
        Some(answer) => answer
            .and_then(|it| it.profile)
            .is_some_and(|it| it.can_place_orders),
        None => true, // a stranger is asked to sign in before they order
    };
    let is_priced = !quote.lines.is_empty();
    let lines = lines(
        items,
        required(products, &[])?.products,
        stock.items,
        quote.lines,
    );
    Ok(ConnectResponse::new(GetCartPageResponse {
        can_order: may_order && lines.iter().all(|line| line.available),
        // What has no price at all costs nothing that could be named.
        discount: quote.discount.filter(|_| is_priced),
        total: quote.total.filter(|_| is_priced),
        lines,
        degraded: degraded.into_inner(),
    }))
}

fn products_of(items: &[OrderItem]) -> BatchGetProductsRequest {
    let mut skus: Vec<_> = items.iter().map(|item| item.sku.clone()).collect();
    skus.sort_unstable();
    skus.dedup();
    BatchGetProductsRequest {
        skus,
        ..BatchGetProductsRequest::default()
    }
}

fn stock_of(items: &[OrderItem]) -> CheckAvailabilityRequest {
    let item = |item: &OrderItem| StockItem {
        sku: item.sku.clone(),
        quantity: item.quantity,
    };
    CheckAvailabilityRequest {
        items: items.iter().map(item).collect(),
    }
}

fn quote_of(app: &App, items: &[OrderItem]) -> QuoteItemsRequest {
    let item = |item: &OrderItem| QuoteItem {
        sku: item.sku.clone(),
        quantity: item.quantity,
    };
    QuoteItemsRequest {
        items: items.iter().map(item).collect(),
        currency_code: app.config.currency.clone(),
        leave_out_unpriced: true, // a cart may hold what is no longer sold
    }
}

async fn profile(app: &App, visitor: &Visitor) -> Option<PeerResult<GetProfileResponse>> {
    let customer_id = visitor.user_id()?.to_string();
    let request = visitor.ask(GetProfileRequest { customer_id });
    Some(app.upstreams.user.clone().get_profile(request).await)
}

fn lines(
    items: Vec<OrderItem>,
    products: Vec<Product>,
    stock: Vec<ItemAvailability>,
    quote: Vec<QuoteLine>,
) -> Vec<CartLine> {
    let products: HashMap<_, _> = products
        .into_iter()
        .map(|it| (it.sku.clone(), it))
        .collect();
    let stock: HashMap<_, _> = stock.into_iter().map(|it| (it.sku.clone(), it)).collect();
    let prices: HashMap<_, _> = quote.into_iter().map(|it| (it.sku.clone(), it)).collect();
    let line = |item: OrderItem| {
        let (product, price) = (products.get(&item.sku), prices.get(&item.sku));
        let stock = stock.get(&item.sku);
        CartLine {
            name: product.map(|it| it.name.clone()).unwrap_or_default(),
            image_url: product.map(|it| it.image_url.clone()).unwrap_or_default(),
            quantity: item.quantity,
            unit_price: price.and_then(|it| it.unit_price.clone()),
            amount: price.and_then(|it| it.amount.clone()),
            available: product.is_some() && price.is_some() && stock.is_some_and(|it| it.available),
            available_quantity: stock.map_or(0, |it| it.available_quantity),
            sku: item.sku,
        }
    };
    items.into_iter().map(line).collect()
}
