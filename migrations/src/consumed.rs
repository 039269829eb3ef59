//! What a service keeps that hears facts of others: its inbox, its marks, and the facts it failed at.

use sea_orm_migration::prelude::*;

use crate::change::Change;

/// The change that adds it; each list numbers it as it came to it.
pub fn change(name: &'static str, down_to: &'static str) -> Change {
    Change::statements(Consumed(name), down_to)
}

struct Consumed(&'static str);

impl MigrationName for Consumed {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Consumed {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        events::schema::consumed(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        events::schema::drop_consumed(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
