//! A typed client for each service that a page asks.

use peers::{Channel, Peers};
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::order::v1::order_service_client::OrderServiceClient;
use proto::payment::v1::payment_service_client::PaymentServiceClient;
use proto::pricing::v1::pricing_service_client::PricingServiceClient;
use proto::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use proto::user::v1::user_service_client::UserServiceClient;

/// The clients. A call takes a clone, which shares its connections.
#[derive(Clone)]
pub(crate) struct Upstreams {
    pub(crate) catalog: CatalogServiceClient<Channel>,
    pub(crate) inventory: InventoryServiceClient<Channel>,
    pub(crate) order: OrderServiceClient<Channel>,
    pub(crate) payment: PaymentServiceClient<Channel>,
    pub(crate) pricing: PricingServiceClient<Channel>,
    pub(crate) recommendation: RecommendationServiceClient<Channel>,
    pub(crate) user: UserServiceClient<Channel>,
}

impl Upstreams {
    pub(crate) fn new(peers: &Peers) -> Self {
        Self {
            catalog: CatalogServiceClient::new(peers.channel("catalog")),
            inventory: InventoryServiceClient::new(peers.channel("inventory")),
            order: OrderServiceClient::new(peers.channel("order")),
            payment: PaymentServiceClient::new(peers.channel("payment")),
            pricing: PricingServiceClient::new(peers.channel("pricing")),
            recommendation: RecommendationServiceClient::new(peers.channel("recommendation")),
            user: UserServiceClient::new(peers.channel("user")),
        }
    }
}
