//! The lanes of the outbox, and what is known of all of it: its epoch, and how far it was pruned.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
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
