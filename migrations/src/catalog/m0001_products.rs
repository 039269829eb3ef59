//! Products, and the words by which they are found.
//!
//! A term is stored as bytes, not as text: bytes compare alike on both engines
//! and under every collation, which is what a prefix range scan needs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary, integer, string_len_null, text,
    timestamp_with_time_zone, uuid,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Products {
    Table,
    Id,
    Sku,
    Name,
    Description,
    Category,
    ImageUrl,
    DisplayCurrency,
    DisplayMinorUnits,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum ProductTerms {
    Table,
    Term,
    ProductId,
    Weight,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_products(manager).await?;
        create_product_terms(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            ProductTerms::Table.into_table_ref(),
            Products::Table.into_table_ref(),
        ] {
            manager
                .drop_table(Table::drop().table(table).to_owned())
                .await?;
        }
        events::schema::drop_outbox(manager).await?;
        sql::schema::drop_idempotency_keys(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn create_products(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let products = Table::create()
        .table(Products::Table)
        .col(uuid(Products::Id).primary_key())
        .col(text(Products::Sku))
        .col(text(Products::Name))
        .col(text(Products::Description))
        .col(text(Products::Category))
        .col(text(Products::ImageUrl))
        .col(string_len_null(Products::DisplayCurrency, 3))
        .col(big_integer_null(Products::DisplayMinorUnits))
        .col(big_integer(Products::Version))
        .col(timestamp_with_time_zone(Products::CreatedAt))
        .col(timestamp_with_time_zone(Products::UpdatedAt))
        .to_owned();
    manager.create_table(products).await?;

    let by_sku = Index::create()
        .name("products_sku_key")
        .table(Products::Table)
        .col(Products::Sku)
        .unique()
        .to_owned();
    manager.create_index(by_sku).await?;

    let newest_first = Index::create()
        .name("products_created_at_id")
        .table(Products::Table)
        .col((Products::CreatedAt, IndexOrder::Desc))
        .col(Products::Id)
        .to_owned();
    manager.create_index(newest_first).await?;

    let newest_of_category = Index::create()
        .name("products_category_created_at_id")
        .table(Products::Table)
        .col(Products::Category)
        .col((Products::CreatedAt, IndexOrder::Desc))
        .col(Products::Id)
        .to_owned();
    manager.create_index(newest_of_category).await
}

async fn create_product_terms(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut product = ForeignKey::create();
    product
        .name("product_terms_product_id_fkey")
        .from(ProductTerms::Table, ProductTerms::ProductId)
        .to(Products::Table, Products::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let terms = Table::create()
        .table(ProductTerms::Table)
        .col(binary(ProductTerms::Term))
        .col(uuid(ProductTerms::ProductId))
        .col(integer(ProductTerms::Weight))
        .primary_key(
            Index::create()
                .col(ProductTerms::Term)
                .col(ProductTerms::ProductId),
        )
        .foreign_key(&mut product)
        .to_owned();
    manager.create_table(terms).await?;

    let by_product = Index::create()
        .name("product_terms_product_id")
        .table(ProductTerms::Table)
        .col(ProductTerms::ProductId)
        .to_owned();
    manager.create_index(by_product).await
}
