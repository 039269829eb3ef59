//! What facts are told about, and the facts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use prost::Message;
use proto::Fact as _;
use proto::event::v1::product_changed::Change;
use proto::event::v1::{ProductChanged, UserDeleted};
use sea_orm::{DbErr, QueryResult};
use sql::Database;
use uuid::Uuid;

use super::{Fact, Rows, Thing, get, select};

/// Where things of a kind are.
struct Table {
    aggregate: &'static str,
    name: &'static str,
    key: Key,
    has_creation: bool,
}

/// The column by which facts name a thing.
#[derive(Clone, Copy)]
enum Key {
    Id(&'static str),
    Text(&'static str),
}

impl Key {
    const fn column(self) -> &'static str {
        match self {
            Self::Id(column) | Self::Text(column) => column,
        }
    }

    fn of(self, row: &QueryResult) -> Result<String, DbErr> {
        match self {
            Self::Id(column) => get::<Uuid>(row, column).map(|id| id.to_string()),
            Self::Text(column) => get(row, column),
        }
    }
}

const fn table(aggregate: &'static str, name: &'static str, key: Key) -> Table {
    Table {
        aggregate,
        name,
        key,
        has_creation: matches!(key, Key::Id(_)),
    }
}

/// Of a SKU there is a price per currency, and one count of changes.
fn tables(service: &str) -> Vec<Table> {
    match service {
        user::NAME => vec![table("user", "users", Key::Id("id"))],
        catalog::NAME => vec![table("product", "products", Key::Id("id"))],
        pricing::NAME => vec![table("price", "prices", Key::Text("sku"))],
        inventory::NAME => vec![
            table("stock", "stock_levels", Key::Text("sku")),
            table("inventory", "reservations", Key::Id("order_id")),
        ],
        order::NAME => vec![table("order", "orders", Key::Id("id"))],
        payment::NAME => vec![table("payment", "payments", Key::Id("order_id"))],
        _ => Vec::new(),
    }
}

/// Reads the things of a service, its facts, and whether old ones are gone.
pub(super) async fn read(rows: &mut Rows, db: &Database) -> Result<(), DbErr> {
    let service = db.service();
    for table in tables(service) {
        let things = things(&table, db).await?;
        rows.things.extend(things);
    }
    for row in select(
        db,
        "outbox",
        &["topic", "aggregate", "key", "version", "data"],
    )
    .await?
    {
        let topic: String = get(&row, "topic")?;
        rows.facts.push(Fact {
            service,
            aggregate: get(&row, "aggregate")?,
            key: get(&row, "key")?,
            version: get(&row, "version")?,
            is_farewell: is_farewell(&topic, &row)?,
        });
    }
    let columns = ["pruned_transaction_id", "pruned_position"];
    for row in select(db, "outbox_state", &columns).await? {
        let place: (i64, i64) = (get(&row, columns[0])?, get(&row, columns[1])?);
        if place > (0, 0) {
            rows.pruned.insert(service);
        }
    }
    Ok(())
}

async fn things(table: &Table, db: &Database) -> Result<impl Iterator<Item = Thing>, DbErr> {
    let mut columns = vec![table.key.column(), "version", "updated_at"];
    if table.has_creation {
        columns.push("created_at");
    }
    let mut things = BTreeMap::<String, Thing>::new();
    for row in select(db, table.name, &columns).await? {
        let (version, updated_at): (i64, DateTime<Utc>) =
            (get(&row, "version")?, get(&row, "updated_at")?);
        let created_at = table.has_creation.then(|| get(&row, "created_at"));
        let created_at = created_at.transpose()?;
        let key = table.key.of(&row)?;
        let thing = things.entry(key.clone()).or_insert(Thing {
            service: db.service(),
            aggregate: table.aggregate,
            key,
            version,
            created_at,
            updated_at,
        });
        thing.version = thing.version.max(version);
        thing.updated_at = thing.updated_at.max(updated_at);
    }
    Ok(things.into_values())
}

fn is_farewell(topic: &str, row: &QueryResult) -> Result<bool, DbErr> {
    if topic != ProductChanged::TOPIC {
        return Ok(topic == UserDeleted::TOPIC);
    }
    let data: Vec<u8> = get(row, "data")?;
    let changed = ProductChanged::decode(data.as_slice());
    let changed = changed.map_err(|error| DbErr::Type(format!("{topic}: {error}")))?;
    Ok(changed.change() == Change::Deleted)
}
