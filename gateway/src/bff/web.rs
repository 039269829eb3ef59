//! The pages of the web shop. Each asks its services in parallel under one deadline, and
//! the number of calls does not grow with what is on the page.

mod card;
mod get_cart_page;
mod get_home;
mod get_order_page;
mod get_orders_page;
mod get_product_page;
mod get_search_page;
mod suggestion;

pub use get_cart_page::get_cart_page;
pub use get_home::get_home;
pub use get_order_page::get_order_page;
pub use get_orders_page::get_orders_page;
pub use get_product_page::get_product_page;
pub use get_search_page::get_search_page;
