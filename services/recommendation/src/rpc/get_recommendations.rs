//! GetRecommendations.

use axum::extract::State;
use call::{Call, ConnectError, ConnectRequest, ConnectResponse};
use proto::recommendation::v1::{GetRecommendationsRequest, GetRecommendationsResponse};

use crate::{App, suggestions, wire};

/// What a person may like.
pub async fn get_recommendations(
    State(app): State<App>,
    call: Call,
    ConnectRequest(request): ConnectRequest<GetRecommendationsRequest>,
) -> Result<ConnectResponse<GetRecommendationsResponse>, ConnectError> {
    let request = edge::valid(request)?;
    let (limit, customer) = (
        wire::limit(request.limit)?,
        wire::customer_id(&request.user_id)?,
    );
    let ranked = suggestions::to(&app, call.scope, customer, limit).await?;
    Ok(ConnectResponse::new(GetRecommendationsResponse {
        items: wire::items(ranked),
    }))
}
