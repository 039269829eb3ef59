//! GetSuggestions.

use axum::extract::State;
use call::{ConnectError, ConnectRequest, ConnectResponse};
use proto::recommendation::v1::{GetSuggestionsRequest, GetSuggestionsResponse};

use crate::domain::product::Sku;
use crate::{App, suggestions, wire};

/// What is bought together with a product, or by anybody.
pub async fn get_suggestions(
    State(app): State<App>,
    ConnectRequest(request): ConnectRequest<GetSuggestionsRequest>,
) -> Result<ConnectResponse<GetSuggestionsResponse>, ConnectError> {
    let request = edge::valid(request)?.into_inner();
    let limit = wire::limit(request.limit)?;
    let ranked = match request.sku.is_empty() {
        true => suggestions::best(&app, limit).await?,
        false => suggestions::with(&app, Sku::new(request.sku), limit).await?,
    };
    Ok(ConnectResponse::new(GetSuggestionsResponse {
        items: wire::items(ranked),
    }))
}
