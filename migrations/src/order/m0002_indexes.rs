//! Indexes over what stays, none over what a checkout changes at each step.
//!
//! PostgreSQL rewrites a row in place only while no index changes, and finds all in conflict who
//! read and write the same page of one. So a customer's list is filtered by its status, and what
//! is pending is found by the phase of its saga, which changes when it begins and when it ends.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Orders {
    Table,
    Id,
    CustomerId,
    Status,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Sagas {
    Table,
    Phase,
    LeaseUntil,
}

const BY_STATUS: &str = "orders_customer_id_status_created_at_id";
const BY_LEASE: &str = "sagas_lease_until";
const BY_PHASE: &str = "sagas_phase";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, BY_STATUS, Orders::Table).await?;
        drop_index(manager, BY_LEASE, Sagas::Table).await?;
        let phases = Index::create()
            .name(BY_PHASE)
            .table(Sagas::Table)
            .col(Sagas::Phase)
            .to_owned();
        manager.create_index(phases).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_index(manager, BY_PHASE, Sagas::Table).await?;
        let leases = Index::create()
            .name(BY_LEASE)
            .table(Sagas::Table)
            .col(Sagas::LeaseUntil)
            .to_owned();
        manager.create_index(leases).await?;
        let statuses = Index::create()
            .name(BY_STATUS)
            .table(Orders::Table)
            .col(Orders::CustomerId)
            .col(Orders::Status)
            .col(Orders::CreatedAt)
            .col(Orders::Id)
            .to_owned();
        manager.create_index(statuses).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn drop_index(
    manager: &SchemaManager<'_>,
    name: &str,
    table: impl IntoTableRef,
) -> Result<(), DbErr> {
    let drop = Index::drop().name(name).table(table).to_owned();
    manager.drop_index(drop).await
}
