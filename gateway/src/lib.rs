//! The gateway: one entry for every client. It carries rpcs to where they are, composes
//! the pages of each kind of client, and serves the web client.
//!
//! It owns no table and no rule: whatever needs deciding is decided by a service.

pub mod assets;
pub mod bff;
pub mod config;
pub mod forward;

mod caller;
mod part;
mod upstreams;

use edge::Service;
use peers::Peers;
use proto::bff::web::v1::web_service_connect::WebServiceTonicCompatibleBuilder;

pub use config::Config;
pub use forward::forward;
use upstreams::Upstreams;

/// What every page needs.
#[derive(Clone)]
pub struct App {
    upstreams: Upstreams,
    config: Config,
}

/// The gateway's own rpcs: the BFFs.
pub fn service(config: Config, peers: &Peers) -> Service {
    let app = App {
        upstreams: Upstreams::new(peers),
        config,
    };
    let builder = WebServiceTonicCompatibleBuilder::new()
        .get_home(bff::web::get_home)
        .get_search_page(bff::web::get_search_page)
        .get_product_page(bff::web::get_product_page)
        .get_cart_page(bff::web::get_cart_page)
        .get_orders_page(bff::web::get_orders_page)
        .get_order_page(bff::web::get_order_page)
        .with_state(app);
    Service::new("gateway").mount(builder)
}
