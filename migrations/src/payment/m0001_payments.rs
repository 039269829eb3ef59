//! Payments, the double-entry ledger and the sandbox provider's memory.
//!
//! One payment per order is the primary key; one capture and one refund per order is a
//! unique index of the ledger. The sandbox's table has no foreign key to ours: it stands
//! for a company elsewhere, and must remember what we may have forgotten.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, binary_null, integer, text, text_null, timestamp_with_time_zone, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Payments {
    Table,
    OrderId,
    CustomerId,
    ChargeKey,
    ChargeHash,
    CurrencyCode,
    Amount,
    TransactionId,
    DeclineReason,
    RefundKey,
    RefundId,
    Refunded,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum LedgerTransactions {
    Table,
    Id,
    OrderId,
    Kind,
    At,
}

#[derive(DeriveIden)]
enum LedgerEntries {
    Table,
    TransactionId,
    Line,
    Account,
    CurrencyCode,
    MinorUnits,
}

#[derive(DeriveIden)]
enum SandboxCharges {
    Table,
    Reference,
    ChargeKey,
    CurrencyCode,
    Amount,
    TransactionId,
    DeclineReason,
    RefundId,
    CreatedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_payments(manager).await?;
        create_ledger_transactions(manager).await?;
        create_ledger_entries(manager).await?;
        create_sandbox_charges(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            SandboxCharges::Table.into_table_ref(),
            LedgerEntries::Table.into_table_ref(),
            LedgerTransactions::Table.into_table_ref(),
            Payments::Table.into_table_ref(),
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

async fn create_payments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let payments = Table::create()
        .table(Payments::Table)
        .col(uuid(Payments::OrderId).primary_key())
        // Null where a refund came before any charge and did not say whose it was.
        .col(uuid_null(Payments::CustomerId))
        .col(text_null(Payments::ChargeKey))
        .col(binary_null(Payments::ChargeHash))
        .col(text(Payments::CurrencyCode))
        .col(big_integer(Payments::Amount))
        .col(text_null(Payments::TransactionId))
        .col(text_null(Payments::DeclineReason))
        .col(text_null(Payments::RefundKey))
        .col(text_null(Payments::RefundId))
        .col(big_integer(Payments::Refunded))
        .col(big_integer(Payments::Version))
        .col(timestamp_with_time_zone(Payments::CreatedAt))
        .col(timestamp_with_time_zone(Payments::UpdatedAt))
        .check(Expr::col(Payments::Amount).gte(0))
        .check(Expr::col(Payments::Refunded).gte(0))
        .check(Expr::col(Payments::Refunded).lte(Expr::col(Payments::Amount)))
        .to_owned();
    manager.create_table(payments).await?;

    for (name, column) in [
        ("payments_charge_key", Payments::ChargeKey),
        ("payments_refund_key", Payments::RefundKey),
        ("payments_transaction_id", Payments::TransactionId),
    ] {
        let unique = Index::create()
            .name(name)
            .table(Payments::Table)
            .col(column)
            .unique()
            .to_owned();
        manager.create_index(unique).await?;
    }
    Ok(())
}

async fn create_ledger_transactions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let transactions = Table::create()
        .table(LedgerTransactions::Table)
        .col(uuid(LedgerTransactions::Id).primary_key())
        .col(uuid(LedgerTransactions::OrderId))
        .col(text(LedgerTransactions::Kind))
        .col(timestamp_with_time_zone(LedgerTransactions::At))
        .to_owned();
    manager.create_table(transactions).await?;

    let once = Index::create()
        .name("ledger_transactions_order_id_kind")
        .table(LedgerTransactions::Table)
        .col(LedgerTransactions::OrderId)
        .col(LedgerTransactions::Kind)
        .unique()
        .to_owned();
    manager.create_index(once).await
}

async fn create_ledger_entries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut owner = ForeignKey::create();
    owner
        .name("ledger_entries_transaction_id_fkey")
        .from(LedgerEntries::Table, LedgerEntries::TransactionId)
        .to(LedgerTransactions::Table, LedgerTransactions::Id);
    let entries = Table::create()
        .table(LedgerEntries::Table)
        .col(uuid(LedgerEntries::TransactionId))
        .col(integer(LedgerEntries::Line))
        .col(text(LedgerEntries::Account))
        .col(text(LedgerEntries::CurrencyCode))
        .col(big_integer(LedgerEntries::MinorUnits))
        .primary_key(
            Index::create()
                .col(LedgerEntries::TransactionId)
                .col(LedgerEntries::Line),
        )
        .foreign_key(&mut owner)
        .to_owned();
    manager.create_table(entries).await?;

    let by_account = Index::create()
        .name("ledger_entries_account")
        .table(LedgerEntries::Table)
        .col(LedgerEntries::Account)
        .to_owned();
    manager.create_index(by_account).await
}

async fn create_sandbox_charges(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let charges = Table::create()
        .table(SandboxCharges::Table)
        .col(uuid(SandboxCharges::Reference).primary_key())
        .col(text_null(SandboxCharges::ChargeKey))
        .col(text_null(SandboxCharges::CurrencyCode))
        .col(big_integer(SandboxCharges::Amount))
        .col(text_null(SandboxCharges::TransactionId))
        .col(text_null(SandboxCharges::DeclineReason))
        .col(text_null(SandboxCharges::RefundId))
        .col(timestamp_with_time_zone(SandboxCharges::CreatedAt))
        .to_owned();
    manager.create_table(charges).await?;

    let one_per_key = Index::create()
        .name("sandbox_charges_charge_key")
        .table(SandboxCharges::Table)
        .col(SandboxCharges::ChargeKey)
        .unique()
        .to_owned();
    manager.create_index(one_per_key).await
}
