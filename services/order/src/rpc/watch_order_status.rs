//! `OrderService/WatchOrderStatus`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, StreamBody};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::order::v1::{WatchOrderStatusRequest, WatchOrderStatusResponse};

use crate::App;
use crate::watch::{self, Update};
use crate::wire::order_id;
use crate::wire::status;

/// Streams the statuses of one order until it ends.
pub async fn watch_order_status(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<WatchOrderStatusRequest>,
) -> Result<
    ConnectResponse<StreamBody<BoxStream<'static, Result<WatchOrderStatusResponse, ConnectError>>>>,
    ConnectError,
> {
    let request = edge::valid(request)?.into_inner();
    let id = order_id(&request.order_id)?;
    let updates = watch::status(&app, &call, id, request.cursor, request.send_heartbeats).await?;
    let updates = updates.map(|update| {
        update
            .map(WatchOrderStatusResponse::from)
            .map_err(ConnectError::from)
    });
    Ok(ConnectResponse::new(StreamBody::new(updates.boxed())))
}

impl From<Update> for WatchOrderStatusResponse {
    fn from(update: Update) -> Self {
        let Update { moved, cursor, gap } = update;
        let Some(moved) = moved else {
            return Self {
                cursor,
                ..Self::default()
            }; // a heartbeat
        };
        Self {
            order_id: moved.order_id,
            status: status(moved.status).into(),
            end_reason: moved.end_reason,
            version: moved.version,
            changed_at: Some(moved.changed_at.into()),
            cursor,
            gap,
        }
    }
}
