//! The names of those who buy, as the user service tells them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(Iden)]
enum CustomerNames {
    Table,
    CustomerId,
    Name,
    Version,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(CustomerNames::Table)
            .col(
                ColumnDef::new(CustomerNames::CustomerId)
                    .uuid()
                    .not_null()
                    .primary_key(),
            )
            .col(text(CustomerNames::Name))
            .col(big_integer(CustomerNames::Version))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::drop().table(CustomerNames::Table).to_owned();
        manager.drop_table(table).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
