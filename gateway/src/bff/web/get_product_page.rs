//! GetProductPage.

use axum::extract::State;
use call::{Call, Code, ConnectError, ConnectRequest, ConnectResponse};
use proto::bff::web::v1::{GetProductPageRequest, GetProductPageResponse};
use proto::catalog::v1::BatchGetProductsRequest;
use proto::inventory::v1::CheckStockRequest;
use proto::pricing::v1::GetPriceRequest;

use super::suggestion;
use crate::App;
use crate::caller::{Credential, Visitor};
use crate::part::{Degraded, known, required};

/// One product with its price and stock, none of which the page can be without, and what goes with
/// it. A product without a price, or never stocked, is shown and cannot be bought.
pub async fn get_product_page(
    State(app): State<App>,
    call: Call,
    credential: Credential,
    ConnectRequest(request): ConnectRequest<GetProductPageRequest>,
) -> Result<ConnectResponse<GetProductPageResponse>, ConnectError> {
    let sku = edge::valid(request)?.into_inner().sku;
    let visitor = Visitor::new(&call, credential);
    let (mut catalog, mut pricing, mut inventory) = (
        app.upstreams.catalog.clone(),
        app.upstreams.pricing.clone(),
        app.upstreams.inventory.clone(),
    );
    let degraded = Degraded::default();
    let (products, price, stock, suggestions) = tokio::join!(
        catalog.batch_get_products(visitor.ask(BatchGetProductsRequest {
            skus: vec![sku.clone()],
            ..BatchGetProductsRequest::default()
        })),
        pricing.get_price(visitor.ask(GetPriceRequest {
            sku: sku.clone(),
            currency_code: app.config.currency.clone(),
        })),
        inventory.check_stock(visitor.ask(CheckStockRequest { sku: sku.clone() })),
        suggestion::with(&app, &visitor, &sku, &degraded),
    );
    let product = required(products, &[])?.products.pop();
    let missing = || ConnectError::new(Code::NotFound, "There is no such product");
    Ok(ConnectResponse::new(GetProductPageResponse {
        product: Some(product.ok_or_else(missing)?),
        price: known(price)?.and_then(|answer| answer.price),
        available_quantity: known(stock)?.map_or(0, |answer| answer.available_quantity),
        suggestions,
        degraded: degraded.into_inner(),
    }))
}
