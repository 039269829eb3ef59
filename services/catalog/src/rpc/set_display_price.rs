//! SetDisplayPrice.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use edge::Valid;
use proto::catalog::v1::{SetDisplayPriceRequest, SetDisplayPriceResponse, catalog_service};

use crate::domain::product::{ListPrice, Sku};
use crate::error::Error;
use crate::{App, products};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Keeps a copy of a list price, and shows it.
pub async fn set_display_price(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SetDisplayPriceRequest>,
) -> Result<ConnectResponse<SetDisplayPriceResponse>, ConnectError> {
    let command = Command::of(&call, catalog_service::SET_DISPLAY_PRICE, &request);
    let price = ListPrice::try_from(edge::valid(request)?)?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        let shown = products::show_price(work, &price);
        shown.map_ok(|()| SetDisplayPriceResponse {}).boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl TryFrom<Valid<SetDisplayPriceRequest>> for ListPrice {
    type Error = Error;

    fn try_from(request: Valid<SetDisplayPriceRequest>) -> Result<Self, Error> {
        let request = request.into_inner();
        let price = request.price.and_then(|price| price.amount());
        Ok(Self {
            sku: Sku::new(request.sku),
            price: price.ok_or(Error::Field { field: "price" })?,
            version: request.version,
        })
    }
}
