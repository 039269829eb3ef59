//! AdjustStock.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use edge::Valid;
use proto::inventory::v1::{AdjustStockRequest, AdjustStockResponse, inventory_service};

use crate::App;
use crate::domain::item::Sku;
use crate::domain::level::Level;
use crate::stock::{self, Delivery};
use command::Command;
use futures::{FutureExt, TryFutureExt};

/// Adds pieces to a SKU, or takes some away.
pub async fn adjust_stock(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<AdjustStockRequest>,
) -> Result<ConnectResponse<AdjustStockResponse>, ConnectError> {
    let command = Command::of(&call, inventory_service::ADJUST_STOCK, &request);
    let delivery = Delivery::from(edge::valid(request)?);
    let _turn = stock::queue(&app, &delivery).await;
    let answer = command::run(&app.db, &app.clock, &command, |work| {
        stock::adjust(work, &command.subject, &delivery)
            .map_ok(Into::into)
            .boxed()
    });
    Ok(answer.await?.respond(&call))
}

impl From<Valid<AdjustStockRequest>> for Delivery {
    fn from(request: Valid<AdjustStockRequest>) -> Self {
        let AdjustStockRequest { sku, delta, reason } = request.into_inner();
        Self {
            sku: Sku::new(sku),
            delta,
            reason,
        }
    }
}

impl From<Level> for AdjustStockResponse {
    fn from(level: Level) -> Self {
        Self {
            level: Some(level.into()),
        }
    }
}
