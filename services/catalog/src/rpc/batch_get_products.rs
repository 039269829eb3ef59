//! BatchGetProducts.

use std::collections::BTreeSet;

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::catalog::v1::{BatchGetProductsRequest, BatchGetProductsResponse};

use crate::domain::product::Sku;
use crate::error::Error;
use crate::products::Batch;
use crate::wire::product_id;
use crate::{App, products};

/// Ids and SKUs that one call may name together.
const BATCH_MAX: usize = 100;

/// Reads many products at once.
pub async fn batch_get_products(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<BatchGetProductsRequest>,
) -> Result<ConnectResponse<BatchGetProductsResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    if request.ids.len() + request.skus.len() > BATCH_MAX {
        return Err(Error::TooManyProducts { max: BATCH_MAX }.into());
    }
    let ids = request
        .ids
        .iter()
        .map(|id| product_id(id))
        .collect::<Result<_, _>>()?;
    let skus: BTreeSet<Sku> = request.skus.into_iter().map(Sku::new).collect();
    let batch = products::get_many(&app, ids, skus).await?;
    Ok(ConnectResponse::new(batch.into()))
}

impl From<Batch> for BatchGetProductsResponse {
    fn from(batch: Batch) -> Self {
        let ids = batch.missing_ids.into_iter().map(|id| id.to_string());
        let skus = batch.missing_skus.into_iter().map(Sku::into_string);
        Self {
            products: batch.products.into_iter().map(Into::into).collect(),
            missing: ids.chain(skus).collect(),
        }
    }
}
