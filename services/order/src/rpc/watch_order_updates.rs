//! `OrderService/WatchOrderUpdates`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse, StreamBody};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::order::v1::{WatchOrderUpdatesRequest, WatchOrderUpdatesResponse};

use crate::App;
use crate::watch::{self, Update};
use crate::wire::customer_id;
use crate::wire::status;

/// Streams the changes of all orders of one person.
pub async fn watch_order_updates(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<WatchOrderUpdatesRequest>,
) -> Result<
    ConnectResponse<
        StreamBody<BoxStream<'static, Result<WatchOrderUpdatesResponse, ConnectError>>>,
    >,
    ConnectError,
> {
    let request = edge::valid(request)?.into_inner();
    let id = customer_id(&request.user_id, "user_id")?;
    let updates = watch::updates(&app, &call, id, request.cursor, request.send_heartbeats).await?;
    let updates = updates.map(|update| {
        update
            .map(WatchOrderUpdatesResponse::from)
            .map_err(ConnectError::from)
    });
    Ok(ConnectResponse::new(StreamBody::new(updates.boxed())))
}

impl From<Update> for WatchOrderUpdatesResponse {
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
