//! `OrderService/GetOrderTimeline`

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::order::v1::{GetOrderTimelineRequest, GetOrderTimelineResponse, TimelineEntry};

use crate::App;
use crate::history;
use crate::saga::record::LogEntry;
use crate::wire::order_id;

/// Reads the steps of an order's checkout, oldest first.
pub async fn get_order_timeline(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetOrderTimelineRequest>,
) -> Result<ConnectResponse<GetOrderTimelineResponse>, ConnectError> {
    let id = order_id(&edge::valid(request)?.order_id)?;
    let entries = history::timeline(&app, &call, id).await?;
    let entries = entries.into_iter().map(TimelineEntry::from).collect();
    Ok(ConnectResponse::new(GetOrderTimelineResponse { entries }))
}

impl From<LogEntry> for TimelineEntry {
    fn from(entry: LogEntry) -> Self {
        Self {
            at: Some(entry.at.into()),
            step: entry.step,
            kind: entry.kind.name().to_owned(),
            attempt: entry.attempt,
            outcome: entry.outcome,
            duration_ms: entry.duration_ms,
            trace_id: entry.trace_id,
        }
    }
}
