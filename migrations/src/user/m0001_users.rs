//! Accounts and what signs them in.
//!
//! The password hash stands in a table of its own, so that no query for an
//! account can bring it along. A session is one row for its whole life: its
//! refresh token rotates in place.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, binary, binary_null, boolean, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
    Name,
    Email,
    EmailKey,
    Roles,
    Admin,
    BlockedAt,
    BlockedReason,
    Version,
    CreatedAt,
    UpdatedAt,
}

#[derive(DeriveIden)]
enum Credentials {
    Table,
    UserId,
    PasswordHash,
    ChangedAt,
}

#[derive(DeriveIden)]
enum Sessions {
    Table,
    Id,
    UserId,
    FamilyHash,
    TokenHash,
    PreviousHash,
    SuccessorNonce,
    RotatedAt,
    CreatedAt,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum SigningKeys {
    Table,
    Kid,
    PrivateKey,
    PublicKey,
    CreatedAt,
    SignsFrom,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::schema::idempotency_keys(manager).await?;
        events::schema::outbox(manager).await?;
        create_users(manager).await?;
        create_credentials(manager).await?;
        create_sessions(manager).await?;
        create_signing_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            SigningKeys::Table.into_table_ref(),
            Sessions::Table.into_table_ref(),
            Credentials::Table.into_table_ref(),
            Users::Table.into_table_ref(),
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

async fn create_users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let users = Table::create()
        .table(Users::Table)
        .col(uuid(Users::Id).primary_key())
        .col(text(Users::Name))
        .col(text(Users::Email))
        .col(text(Users::EmailKey))
        .col(text(Users::Roles))
        .col(boolean(Users::Admin))
        .col(timestamp_with_time_zone_null(Users::BlockedAt))
        .col(text_null(Users::BlockedReason))
        .col(big_integer(Users::Version))
        .col(timestamp_with_time_zone(Users::CreatedAt))
        .col(timestamp_with_time_zone(Users::UpdatedAt))
        .to_owned();
    manager.create_table(users).await?;

    let by_email = Index::create()
        .name("users_email_key")
        .table(Users::Table)
        .col(Users::EmailKey)
        .unique()
        .to_owned();
    manager.create_index(by_email).await?;

    let by_age = Index::create()
        .name("users_created_at_id")
        .table(Users::Table)
        .col(Users::CreatedAt)
        .col(Users::Id)
        .to_owned();
    manager.create_index(by_age).await?;

    let admins = Index::create()
        .name("users_admin")
        .table(Users::Table)
        .col(Users::Admin)
        .cond_where(Expr::col(Users::Admin))
        .to_owned();
    manager.create_index(admins).await
}

async fn create_credentials(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut owner = ForeignKey::create();
    owner
        .name("credentials_user_id_fkey")
        .from(Credentials::Table, Credentials::UserId)
        .to(Users::Table, Users::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let credentials = Table::create()
        .table(Credentials::Table)
        .col(uuid(Credentials::UserId).primary_key())
        .col(text(Credentials::PasswordHash))
        .col(timestamp_with_time_zone(Credentials::ChangedAt))
        .foreign_key(&mut owner)
        .to_owned();
    manager.create_table(credentials).await
}

async fn create_sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut owner = ForeignKey::create();
    owner
        .name("sessions_user_id_fkey")
        .from(Sessions::Table, Sessions::UserId)
        .to(Users::Table, Users::Id)
        .on_delete(ForeignKeyAction::Cascade);
    let sessions = Table::create()
        .table(Sessions::Table)
        .col(uuid(Sessions::Id).primary_key())
        .col(uuid(Sessions::UserId))
        .col(binary(Sessions::FamilyHash))
        .col(binary(Sessions::TokenHash))
        .col(binary_null(Sessions::PreviousHash))
        .col(binary_null(Sessions::SuccessorNonce))
        .col(timestamp_with_time_zone_null(Sessions::RotatedAt))
        .col(timestamp_with_time_zone(Sessions::CreatedAt))
        .col(timestamp_with_time_zone(Sessions::ExpiresAt))
        .foreign_key(&mut owner)
        .to_owned();
    manager.create_table(sessions).await?;

    for (name, column) in [
        ("sessions_user_id", Sessions::UserId),
        ("sessions_expires_at", Sessions::ExpiresAt),
    ] {
        let index = Index::create()
            .name(name)
            .table(Sessions::Table)
            .col(column)
            .to_owned();
        manager.create_index(index).await?;
    }
    Ok(())
}

async fn create_signing_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let keys = Table::create()
        .table(SigningKeys::Table)
        .col(text(SigningKeys::Kid).primary_key())
        .col(binary(SigningKeys::PrivateKey))
        .col(binary(SigningKeys::PublicKey))
        .col(timestamp_with_time_zone(SigningKeys::CreatedAt))
        .col(timestamp_with_time_zone(SigningKeys::SignsFrom))
        .to_owned();
    manager.create_table(keys).await
}
