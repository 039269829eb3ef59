//! Accounts: the table `users`.

use call::{Role, Roles, Scope};
use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::email::{Email, EmailKey};
use crate::domain::id::UserId;
use crate::domain::line::SingleLine;
use crate::domain::user::{Block, User};
use crate::error::Error;

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
        pub email: String,
        pub email_key: String,
        pub roles: String,
        pub admin: bool,
        pub blocked_at: Option<ChronoDateTimeUtc>,
        pub blocked_reason: Option<String>,
        pub version: i64,
        pub created_at: ChronoDateTimeUtc,
        pub updated_at: ChronoDateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use entity::{ActiveModel, Column, Entity, Model};

/// Where a page of accounts ends: newest first, ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    created_at: DateTime<Utc>,
    id: Uuid,
}

impl Position {
    /// The position of an account that is the last of its page.
    pub fn of(user: &User) -> Self {
        Self {
            created_at: user.created_at,
            id: user.id.0,
        }
    }
}

/// Stores a new account.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn insert(db: &impl ConnectionTrait, user: &User) -> Result<(), Error> {
    let inserted = Entity::insert(row(user)).exec_without_returning(db).await;
    inserted.map(drop).map_err(email_taken)
}

/// Stores a changed account, one version after the one it was read in.
///
/// # Errors
/// [`Error::EmailTaken`] if another account has the address.
pub async fn update(db: &impl ConnectionTrait, user: &User) -> Result<(), Error> {
    let updated = Entity::update_many()
        .set(row(user))
        .filter(Column::Id.eq(user.id.0))
        .filter(Column::Version.eq(user.version - 1))
        .exec(db)
        .await
        .map_err(email_taken)?;
    match updated.rows_affected {
        1 => Ok(()),
        _ => Err(DbErr::RecordNotUpdated.into()), // it was read in this very transaction
    }
}

/// Deletes an account with its credential and sessions.
pub async fn delete(db: &impl ConnectionTrait, id: UserId) -> Result<(), DbErr> {
    Entity::delete_by_id(id.0).exec(db).await.map(drop)
}

/// Finds an account within reach of the caller.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: Scope,
    id: UserId,
) -> Result<Option<User>, DbErr> {
    Ok(scoped(scope, id).one(db).await?.map(User::from))
}

/// Finds an account within reach of the caller, and holds it until the transaction ends.
pub async fn find_to_change(
    db: &impl ConnectionTrait,
    scope: Scope,
    id: UserId,
) -> Result<Option<User>, DbErr> {
    Ok(scoped(scope, id)
        .lock_exclusive()
        .one(db)
        .await?
        .map(User::from))
}

/// Finds the account of an address.
pub async fn find_by_email(
    db: &impl ConnectionTrait,
    email: &EmailKey,
) -> Result<Option<User>, DbErr> {
    let found = Entity::find()
        .filter(Column::EmailKey.eq(email.as_str()))
        .one(db)
        .await?;
    Ok(found.map(User::from))
}

/// Reads at most `limit` accounts after a position, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<User>, DbErr> {
    let rows = Entity::find()
        .apply_if(after, |query, Position { created_at, id }| {
            let tie = Condition::all()
                .add(Column::CreatedAt.eq(created_at))
                .add(Column::Id.lt(id));
            let before = Condition::any()
                .add(Column::CreatedAt.lt(created_at))
                .add(tie);
            // The first condition alone lets the index be entered at the position.
            query
                .filter(Column::CreatedAt.lte(created_at))
                .filter(before)
        })
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Whether an admin who is not blocked remains without this account.
pub async fn another_admin_exists(db: &impl ConnectionTrait, id: UserId) -> Result<bool, DbErr> {
    let other = Entity::find()
        .filter(Expr::col(Column::Admin)) // as the index has it
        .filter(Column::BlockedAt.is_null())
        .filter(Column::Id.ne(id.0))
        .one(db)
        .await?;
    Ok(other.is_some())
}

/// Returns those of the accounts that are not stored, whatever is stored of the others.
pub async fn missing<'a>(
    db: &impl ConnectionTrait,
    users: &'a [User],
) -> Result<Vec<&'a User>, DbErr> {
    let known: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(users.iter().map(|user| user.id.0)))
        .into_tuple()
        .all(db)
        .await?;
    Ok(users
        .iter()
        .filter(|user| !known.contains(&user.id.0))
        .collect())
}

fn scoped(scope: Scope, id: UserId) -> sea_orm::Select<Entity> {
    Entity::find_by_id(id.0).apply_if(scope.owner(), |query, owner| {
        query.filter(Column::Id.eq(owner))
    })
}

fn email_taken(error: DbErr) -> Error {
    if sql::fault(&error).is_unique("users_email_key", &["users.email_key"]) {
        Error::EmailTaken
    } else {
        Error::Store(error)
    }
}

fn row(user: &User) -> ActiveModel {
    let roles: Vec<&str> = user.roles.iter().map(Role::as_str).collect();
    ActiveModel {
        id: Set(user.id.0),
        name: Set(user.name.to_string()),
        email: Set(user.email.as_str().to_owned()),
        email_key: Set(user.email.key().as_str().to_owned()),
        roles: Set(roles.join(",")),
        admin: Set(user.roles.contains(Role::Admin)),
        blocked_at: Set(user.block.as_ref().map(|block| block.at)),
        blocked_reason: Set(user.block.as_ref().map(|block| block.reason.to_string())),
        version: Set(user.version),
        created_at: Set(user.created_at),
        updated_at: Set(user.updated_at),
    }
}

impl From<Model> for User {
    fn from(row: Model) -> Self {
        let reason = SingleLine::stored(row.blocked_reason.unwrap_or_default());
        Self {
            id: UserId(row.id),
            name: SingleLine::stored(row.name),
            email: Email::new(&row.email),
            roles: row
                .roles
                .split(',')
                .filter_map(Role::parse)
                .collect::<Roles>(),
            block: row.blocked_at.map(|at| Block { at, reason }),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
