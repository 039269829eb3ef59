//! Forgotten passwords: who may set a new one by a token that a letter brought, and until when.
//!
//! An account has one at most, the newest. The token itself is nowhere but in the letter.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{binary, timestamp_with_time_zone, uuid};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[derive(DeriveIden)]
enum PasswordResets {
    Table,
    UserId,
    TokenHash,
    CreatedAt,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut owner = ForeignKey::create();
        owner
            .name("password_resets_user_id_fkey")
            .from(PasswordResets::Table, PasswordResets::UserId)
            .to(Users::Table, Users::Id)
            .on_delete(ForeignKeyAction::Cascade);
        let resets = Table::create()
            .table(PasswordResets::Table)
            .col(uuid(PasswordResets::UserId).primary_key())
            .col(binary(PasswordResets::TokenHash))
            .col(timestamp_with_time_zone(PasswordResets::CreatedAt))
            .col(timestamp_with_time_zone(PasswordResets::ExpiresAt))
            .foreign_key(&mut owner)
            .to_owned();
        manager.create_table(resets).await?;

        let by_token = Index::create()
            .name("password_resets_token_hash")
            .table(PasswordResets::Table)
            .col(PasswordResets::TokenHash)
            .unique()
            .to_owned();
        manager.create_index(by_token).await?;

        let by_end = Index::create()
            .name("password_resets_expires_at")
            .table(PasswordResets::Table)
            .col(PasswordResets::ExpiresAt)
            .to_owned();
        manager.create_index(by_end).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let resets = Table::drop().table(PasswordResets::Table).to_owned();
        manager.drop_table(resets).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
