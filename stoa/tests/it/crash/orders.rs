//! How the orders went, by their own facts: what was under way at a death, and what was sold.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};

use super::customer::Told;
use super::system::System;

/// After these nothing moves any more, unless somebody cancels.
const ENDS: [&str; 3] = [CONFIRMED, "order.cancelled", "order.rejected"];
const CONFIRMED: &str = "order.confirmed";

/// What became of each order, and when.
pub struct Orders(HashMap<String, Vec<(DateTime<Utc>, String)>>);

impl Orders {
    /// Reads what the order service told.
    pub async fn read(system: &System) -> Self {
        let store = system.open("order").await;
        let mut query = Query::select();
        query
            .columns(["key", "at", "topic"].map(Alias::new))
            .from(Alias::new("outbox"))
            .and_where(Expr::col(Alias::new("aggregate")).eq("order"))
            .order_by(Alias::new("version"), sea_orm::sea_query::Order::Asc);
        let rows = store.read().query_all(&query).await;
        let mut orders = HashMap::<_, Vec<_>>::new();
        for row in rows.expect("the table is there") {
            let get = |column| row.try_get::<String>("", column).expect("a text");
            let at = row.try_get("", "at").expect("a time");
            orders
                .entry(get("key"))
                .or_default()
                .push((at, get("topic")));
        }
        store.close().await.expect("it closes");
        Self(orders)
    }

    /// Somebody had been told of it by then, and it was not at its end.
    pub fn is_under_way(&self, told: &Told, at: DateTime<Utc>) -> bool {
        let until_then = |(fact, _): &&(DateTime<Utc>, String)| *fact <= at;
        let last = self.facts(told).iter().rev().find(until_then);
        told.at <= at && last.is_some_and(|(_, topic)| !ENDS.contains(&topic.as_str()))
    }

    /// It was sold, even if it was cancelled after that.
    pub fn was_confirmed(&self, told: &Told) -> bool {
        self.facts(told).iter().any(|(_, topic)| topic == CONFIRMED)
    }

    fn facts(&self, told: &Told) -> &[(DateTime<Utc>, String)] {
        self.0
            .get(&told.order)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}
