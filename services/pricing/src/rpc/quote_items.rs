//! QuoteItems.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use edge::Valid;
use proto::pricing::v1::{QuoteItem, QuoteItemsRequest, QuoteItemsResponse, QuoteLine};

use crate::App;
use crate::domain::quote::{Item, Quote};
use crate::domain::sku::Sku;
use crate::error::Error;
use crate::quotes::{self, Unpriced};
use crate::wire::currency;

/// Says what a cart costs now.
pub async fn quote_items(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<QuoteItemsRequest>,
) -> Result<ConnectResponse<QuoteItemsResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let currency = currency(&request.currency_code, &app)?;
    let unpriced = match request.leave_out_unpriced {
        true => Unpriced::LeftOut,
        false => Unpriced::Fails,
    };
    let quote = quotes::quote(&app, items(request)?, currency, unpriced).await?;
    Ok(ConnectResponse::new(quote.into()))
}

fn items(request: Valid<QuoteItemsRequest>) -> Result<Vec<Item>, Error> {
    request.into_inner().items.into_iter().map(item).collect()
}

fn item(item: QuoteItem) -> Result<Item, Error> {
    let quantity = item.quantity.try_into();
    let quantity = quantity.map_err(|_| Error::Field {
        field: "items.quantity",
    })?;
    Ok(Item {
        sku: Sku::new(item.sku),
        quantity,
    })
}

impl From<Quote> for QuoteItemsResponse {
    fn from(quote: Quote) -> Self {
        let lines = quote.lines.into_iter().map(|line| QuoteLine {
            sku: line.item.sku.into_string(),
            quantity: i32::try_from(line.item.quantity).unwrap_or(i32::MAX), // it came as an i32
            unit_price: Some(line.unit_price.into()),
            amount: Some(line.amount.into()),
        });
        Self {
            lines: lines.collect(),
            discount: Some(quote.discount.into()),
            total: Some(quote.total.into()),
        }
    }
}
