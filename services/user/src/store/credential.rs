//! Password hashes: the table `credentials`, apart from accounts so that no query for an account
//! brings one along.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use crate::domain::id::UserId;
use crate::password::{KeptPassword, PasswordHash};

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "credentials")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub password_hash: String,
        pub changed_at: ChronoDateTimeUtc,
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

use entity::{ActiveModel, Column, Entity};

/// Stores the hash of an account's password, in place of an earlier one.
pub async fn put(
    db: &impl ConnectionTrait,
    user: UserId,
    hash: &PasswordHash,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        user_id: Set(user.0),
        password_hash: Set(hash.as_str().to_owned()),
        changed_at: Set(now),
    };
    let replace = OnConflict::column(Column::UserId)
        .update_columns([Column::PasswordHash, Column::ChangedAt])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(db)
        .await
        .map(drop)
}

/// Stores another hash of the password that the account has.
pub async fn rehash(
    db: &impl ConnectionTrait,
    user: UserId,
    hash: &PasswordHash,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::PasswordHash, Expr::value(hash.as_str()))
        .filter(Column::UserId.eq(user.0))
        .exec(db)
        .await
        .map(drop)
}

/// Reads an account's password; none if it never had one.
pub async fn find(db: &impl ConnectionTrait, user: UserId) -> Result<Option<KeptPassword>, DbErr> {
    let found = Entity::find_by_id(user.0).one(db).await?;
    Ok(found.map(|row| KeptPassword {
        hash: PasswordHash::stored(row.password_hash),
        since: row.changed_at,
    }))
}
