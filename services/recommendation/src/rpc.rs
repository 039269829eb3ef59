//! Hands each function to the generated builder. What one rpc alone converts stands in its file, what
//! several rpcs or a fact show in `wire`.

mod get_recommendations;
mod get_suggestions;

use edge::Service;
use proto::recommendation::v1::recommendation_service_connect::RecommendationServiceTonicCompatibleBuilder;

use crate::App;

/// Adds every rpc of this service.
pub fn mount(service: Service, app: &App) -> Service {
    let routes = RecommendationServiceTonicCompatibleBuilder::new()
        .get_suggestions(get_suggestions::get_suggestions)
        .get_recommendations(get_recommendations::get_recommendations)
        .with_state(app.clone());
    service.mount(routes)
}
