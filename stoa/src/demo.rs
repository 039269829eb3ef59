//! The demo shop: 200 products with prices and stock, and four people to sign
//! in as. Everything has the same id on every machine, and is only ever added,
//! so that a run killed in the middle is finished by the next.

use std::path::Path;

use anyhow::{Context, bail};
use call::Role;
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use money::Amount;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::progress;

/// The password of all demo people.
pub const PASSWORD: &str = "stoa-demo";
/// Whom one can sign in as.
pub const EMAILS: [&str; 4] = [
    "customer@stoa.test",
    "support@stoa.test",
    "operator@stoa.test",
    "admin@stoa.test",
];
/// The currency of all prices.
const CURRENCY: &str = "EUR";
/// When the first product came into the shop; the others follow by the hour.
const OPENED: i64 = 1_767_225_600; // 2026-01-01
/// Says in the data folder how far the demo data is.
const MARKER: &str = "demo";
const STARTED: &str = "started\n";
const DONE: &str = "done\n";

const PRODUCTS: &str = include_str!("../demo/products.json");

/// A product as the shop's people wrote it down. What the drawing of its
/// picture needs beside that is none of our business.
#[derive(Debug, Deserialize)]
struct Product {
    sku: String,
    name: String,
    description: String,
    category: String,
    image: String,
    price_minor: i64,
    stock: i64,
}

impl Product {
    /// What it costs, if that is more than nothing.
    fn price(&self) -> Option<Amount> {
        let price = Amount::parse(CURRENCY, self.price_minor);
        price.filter(|price| !price.is_zero())
    }
}

/// Where the demo data goes.
pub struct Databases<'a> {
    pub user: &'a sql::Database,
    pub catalog: &'a sql::Database,
    pub pricing: &'a sql::Database,
    pub inventory: &'a sql::Database,
}

/// Whether demo data is still to be written: the folder was empty before this
/// start, or an earlier start did not finish.
///
/// # Errors
///
/// A folder that cannot be read.
pub fn is_wanted(data: &Path) -> anyhow::Result<bool> {
    match std::fs::read_to_string(data.join(MARKER)) {
        Ok(state) => return Ok(state != DONE),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context("cannot read the marker of the demo data"),
    }
    let entries = std::fs::read_dir(data).context("cannot read the data folder")?;
    for entry in entries {
        let path = entry.context("cannot read the data folder")?.path();
        let is_database = path.extension().is_some_and(|extension| extension == "db");
        // One that is empty was made to be locked, and nothing has been in it.
        let is_empty = || path.metadata().is_ok_and(|file| file.len() == 0);
        if is_database && !is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether all demo data was written into this folder.
pub fn is_there(data: &Path) -> bool {
    std::fs::read_to_string(data.join(MARKER)).is_ok_and(|state| state == DONE)
}

/// Notes that demo data is being written, before there is anything else.
///
/// # Errors
///
/// A folder that cannot be written.
pub fn begin(data: &Path) -> anyhow::Result<()> {
    std::fs::write(data.join(MARKER), STARTED).context("cannot begin the demo data")
}

/// Writes all demo data, and the marker last.
///
/// # Errors
///
/// A database that failed: the next start goes on.
pub async fn seed(
    data: &Path,
    clock: &Clock,
    databases: Databases<'_>,
    password: &user::PasswordConfig,
) -> anyhow::Result<()> {
    let products: Vec<Product> =
        serde_json::from_str(PRODUCTS).context("demo/products.json does not parse")?;
    if products
        .iter()
        .any(|product| product.price().is_none() || product.stock < 0)
    {
        bail!("demo/products.json has a product without a price or with negative stock");
    }
    let bar = progress::bar(4, "Filling the demo shop");
    let done = |()| bar.inc(1);
    let (cards, prices, deliveries) = (cards(&products), prices(&products), deliveries(&products));
    let (people, catalog, pricing, inventory) = tokio::join!(
        async {
            user::demo::seed(databases.user, clock, password, &people(), PASSWORD)
                .await
                .map(done)
        },
        async {
            catalog::demo::seed(databases.catalog, clock, &cards)
                .await
                .map(done)
        },
        async {
            pricing::demo::seed(databases.pricing, clock, &prices)
                .await
                .map(done)
        },
        async {
            inventory::demo::seed(databases.inventory, clock, &deliveries)
                .await
                .map(done)
        },
    );
    people.context("cannot write the demo people")?;
    catalog.context("cannot write the demo products")?;
    pricing.context("cannot write the demo prices")?;
    inventory.context("cannot write the demo stock")?;
    bar.finish_and_clear();
    std::fs::write(data.join(MARKER), DONE).context("cannot finish the demo data")
}

fn people() -> [user::demo::Person; 4] {
    let person = |number: usize, name, roles| {
        let email = EMAILS[number];
        user::demo::Person {
            id: id(email, opened(0)),
            name,
            email,
            roles,
        }
    };
    [
        person(0, "Demo Customer", &[Role::Customer]),
        person(1, "Demo Support", &[Role::Customer, Role::Support]),
        person(2, "Demo Operator", &[Role::Customer, Role::Operator]),
        person(3, "Demo Admin", &[Role::Customer, Role::Admin]),
    ]
}

fn cards(products: &[Product]) -> Vec<catalog::demo::DemoProduct> {
    let card = |(number, product): (usize, &Product)| {
        let created_at = opened(number);
        catalog::demo::DemoProduct {
            id: id(&product.sku, created_at),
            sku: product.sku.clone(),
            name: product.name.clone(),
            description: product.description.clone(),
            category: product.category.clone(),
            image_url: product.image.clone(),
            display_price: product.price(),
            created_at,
        }
    };
    products.iter().enumerate().map(card).collect()
}

fn prices(products: &[Product]) -> Vec<pricing::demo::DemoPrice> {
    let price = |product: &Product| {
        let (sku, amount) = (product.sku.clone(), product.price()?);
        Some(pricing::demo::DemoPrice { sku, amount })
    };
    products.iter().filter_map(price).collect()
}

fn deliveries(products: &[Product]) -> Vec<inventory::demo::DemoStock> {
    let delivery = |product: &Product| inventory::demo::DemoStock {
        sku: product.sku.clone(),
        pieces: product.stock,
    };
    products.iter().map(delivery).collect()
}

fn opened(hours: usize) -> DateTime<Utc> {
    let hours = TimeDelta::hours(i64::try_from(hours).unwrap_or_default());
    DateTime::from_timestamp(OPENED, 0).unwrap_or_default() + hours
}

/// A UUIDv7 whose time is that of the thing and whose rest follows from its
/// name: the same on every machine.
fn id(name: &str, at: DateTime<Utc>) -> Uuid {
    let digest = Sha256::digest(name.as_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{DONE, MARKER, PRODUCTS, Product, begin, cards, is_wanted, people};

    fn products() -> Vec<Product> {
        serde_json::from_str(PRODUCTS).expect("demo products parse")
    }

    /// row: X2
    #[test]
    fn the_shop_is_worth_visiting_and_the_same_everywhere() {
        let products = products();
        assert_eq!(products.len(), 200);
        let names: HashSet<_> = products.iter().map(|product| &product.name).collect();
        assert_eq!(names.len(), 200, "every product has a name of its own");
        let categories: HashSet<_> = products.iter().map(|product| &product.category).collect();
        assert!(categories.len() >= 8);
        assert!(
            products.iter().any(|product| product.stock == 0),
            "something is sold out"
        );
        assert!(
            products
                .iter()
                .any(|product| (1..=5).contains(&product.stock)),
            "something is scarce"
        );
        let ids: HashSet<_> = cards(&products).iter().map(|card| card.id).collect();
        let again: HashSet<_> = cards(&self::products())
            .iter()
            .map(|card| card.id)
            .collect();
        assert_eq!(ids, again);
        assert_eq!(ids.len(), 200);
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(people().map(|person| person.email), super::EMAILS);
    }

    #[test]
    fn only_an_empty_folder_or_an_unfinished_one_is_filled() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let wanted = || is_wanted(folder.path()).expect("folder is readable");
        assert!(wanted());
        begin(folder.path()).expect("folder is writable");
        std::fs::write(folder.path().join("order.db"), "").expect("folder is writable");
        assert!(wanted(), "a killed start goes on");
        std::fs::write(folder.path().join(MARKER), DONE).expect("folder is writable");
        assert!(!wanted());
        std::fs::remove_file(folder.path().join(MARKER)).expect("marker was there");
        assert!(wanted(), "what was made to be locked is no data");
        std::fs::write(folder.path().join("order.db"), "rows").expect("folder is writable");
        assert!(!wanted(), "a folder with data of one's own stays as it is");
    }
}
