//! What a person tells their sessions apart by: `Firefox on Linux`.
//!
//! None for a session that an older program began.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Sessions {
    Table,
    Device,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let device = Table::alter()
            .table(Sessions::Table)
            .add_column(text_null(Sessions::Device))
            .to_owned();
        manager.alter_table(device).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let device = Table::alter()
            .table(Sessions::Table)
            .drop_column(Sessions::Device)
            .to_owned();
        manager.alter_table(device).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
