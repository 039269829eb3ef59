//! The lanes of the outbox, and what is known of all of it: its epoch, and how far it was pruned.
//! Every list has this pair of changes, each at its own place.

use sea_orm_migration::prelude::*;

use crate::change::Change;

/// The lanes, and the index over them; each list numbers them as they came to it.
pub fn changes(lanes: &'static str, index: &'static str) -> [Change; 2] {
    [
        Change::statements(Lanes(lanes), lanes),
        Change::index(index, lanes, events::schema::outbox_in_lanes),
    ]
}

struct Lanes(&'static str);

impl MigrationName for Lanes {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Lanes {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        events::schema::outbox_lanes(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        events::schema::drop_outbox_lanes(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
