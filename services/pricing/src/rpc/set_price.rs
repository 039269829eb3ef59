//! SetPrice.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use edge::Valid;
use proto::pricing::v1::{SetPriceRequest, SetPriceResponse, pricing_service};

use crate::App;
use crate::domain::price::Price;
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::price_list::{self, Wish};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Sets the price of a SKU in the amount's currency.
pub async fn set_price(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SetPriceRequest>,
) -> Result<ConnectResponse<SetPriceResponse>, ConnectError> {
    let command = Command::of(&call, pricing_service::SET_PRICE, &request);
    let wish = Wish::try_from(edge::valid(request)?)?;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        price_list::set(work, &wish).map_ok(Into::into).boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl TryFrom<Valid<SetPriceRequest>> for Wish {
    type Error = Error;

    fn try_from(request: Valid<SetPriceRequest>) -> Result<Self, Error> {
        let request = request.into_inner();
        let amount = request.amount.and_then(|money| money.amount());
        let amount = amount.filter(|amount| !amount.is_zero());
        Ok(Self {
            sku: Sku::new(request.sku),
            amount: amount.ok_or(Error::NotPositive)?,
        })
    }
}

impl From<Price> for SetPriceResponse {
    fn from(price: Price) -> Self {
        Self {
            price: Some(price.into()),
        }
    }
}
