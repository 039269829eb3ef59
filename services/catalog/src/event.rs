//! Facts that the catalog tells.

use events::Fact;
use proto::event::v1::ProductChanged;

pub use proto::event::v1::product_changed::Change;

use crate::domain::product::Product;

/// A product changed, as its version of that number.
pub fn changed(product: &Product, change: Change) -> Fact {
    let changed = ProductChanged {
        product: Some(product.clone().into()),
        change: change.into(),
    };
    command::fact(&changed, product.version, None)
}
