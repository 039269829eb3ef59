//! Forgotten passwords: the table `password_resets`, one row for an account at most.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect,
};
use sql::sweep;
use uuid::Uuid;

use crate::domain::id::UserId;
use crate::domain::password_reset::PasswordReset;

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "password_resets")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub token_hash: Vec<u8>,
        pub created_at: ChronoDateTimeUtc,
        pub expires_at: ChronoDateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// Its hash never reaches a log by way of `{:?}`.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Model(…)")
        }
    }
}

use entity::{ActiveModel, Column, Entity, Model};

/// Stores one, in place of an earlier one of the account.
pub async fn put(db: &impl ConnectionTrait, reset: &PasswordReset) -> Result<(), DbErr> {
    let row = ActiveModel {
        user_id: Set(reset.user_id.0),
        token_hash: Set(reset.token_hash.to_vec()),
        created_at: Set(reset.created_at),
        expires_at: Set(reset.expires_at),
    };
    let replace = OnConflict::column(Column::UserId)
        .update_columns([Column::TokenHash, Column::CreatedAt, Column::ExpiresAt])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(db)
        .await
        .map(drop)
}

/// Finds that of a token, which only the token's holder knows.
pub async fn find_by_token(
    db: &impl ConnectionTrait,
    hash: &[u8; 32],
) -> Result<Option<PasswordReset>, DbErr> {
    let found = Entity::find()
        .filter(Column::TokenHash.eq(hash.to_vec()))
        .one(db)
        .await?;
    found.map(PasswordReset::try_from).transpose()
}

/// Finds that of an account, and holds it until the transaction ends.
pub async fn find_to_change(
    db: &impl ConnectionTrait,
    user: UserId,
) -> Result<Option<PasswordReset>, DbErr> {
    let found = Entity::find_by_id(user.0).lock_exclusive().one(db).await?;
    found.map(PasswordReset::try_from).transpose()
}

/// Forgets that of an account: its token is no longer good.
pub async fn delete(db: &impl ConnectionTrait, user: UserId) -> Result<(), DbErr> {
    Entity::delete_by_id(user.0).exec(db).await.map(drop)
}

/// Forgets that of a token, which nobody has.
pub async fn delete_token(db: &impl ConnectionTrait, hash: &[u8; 32]) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::TokenHash.eq(hash.to_vec()))
        .exec(db)
        .await
        .map(drop)
}

/// Forgets those whose time is over, at most [`sweep::BATCH`] of them; returns how many.
pub async fn prune(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let expired: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::UserId)
        .filter(Column::ExpiresAt.lte(now))
        .limit(sweep::BATCH)
        .into_tuple()
        .all(db)
        .await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let deleted = Entity::delete_many()
        .filter(Column::UserId.is_in(expired))
        .filter(Column::ExpiresAt.lte(now)) // unless it was asked for anew
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}

impl TryFrom<Model> for PasswordReset {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let hash = row.token_hash.try_into();
        Ok(Self {
            user_id: UserId(row.user_id),
            token_hash: hash.map_err(|_| DbErr::Type("a hash has 32 bytes".to_owned()))?,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}
