//! Demo data: the products that `stoa up` shows on an empty data folder.

use chrono::{DateTime, Utc};
use clock::Clock;
use command::Work;
use events::Origin;
use futures::FutureExt;
use money::Amount;
use sql::Database;
use uuid::Uuid;

use crate::domain::product::{NewProduct, Product, ProductId, Sku};
use crate::domain::search;
use crate::error::Error;
use crate::event::{self, Change};
use crate::store;

/// One demo product.
#[derive(Clone, Debug)]
pub struct DemoProduct {
    /// Given from outside, so that every run makes the same shop.
    pub id: Uuid,
    pub sku: String,
    pub name: String,
    pub description: String,
    pub category: String,
    /// Relative to the shop.
    pub image_url: String,
    /// The price to show.
    pub display_price: Option<Amount>,
    /// Lists show the newest first.
    pub created_at: DateTime<Utc>,
}

/// Puts products into the catalog whose ids are not in it yet, in one transaction; run again it
/// changes nothing.
///
/// # Errors
/// The database failed, or a SKU is taken by a product of another id: then nothing was written.
pub async fn seed(db: &Database, clock: &Clock, products: &[DemoProduct]) -> Result<(), Error> {
    let origin = Origin::internal("demo");
    command::transact(db, clock, &origin, |work| add_all(work, products).boxed()).await
}

async fn add_all(work: &mut Work<'_>, demo: &[DemoProduct]) -> Result<(), Error> {
    let taken =
        store::product::taken(&work.txn, demo.iter().map(|demo| ProductId(demo.id))).await?;
    let new = demo
        .iter()
        .filter(|demo| !taken.contains(&ProductId(demo.id)));
    let products: Vec<Product> = new.cloned().map(Product::from).collect();
    let terms: Vec<_> = products.iter().map(search::terms).collect();
    store::product::insert_many(&work.txn, &products).await?;
    let ids = products.iter().map(|product| product.id);
    store::term::insert(&work.txn, ids.zip(&terms)).await?;
    for product in &products {
        work.tell(event::changed(product, Change::Created));
    }
    Ok(())
}

impl From<DemoProduct> for Product {
    fn from(demo: DemoProduct) -> Self {
        let draft = NewProduct {
            sku: Sku::new(demo.sku),
            name: demo.name,
            description: demo.description,
            category: demo.category,
            image_url: demo.image_url,
        };
        Self {
            display_price: demo.display_price,
            ..Self::new(ProductId(demo.id), draft, demo.created_at)
        }
    }
}
