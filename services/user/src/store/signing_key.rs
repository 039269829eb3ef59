//! Signing keys: the table `signing_keys`.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use secrecy::ExposeSecret;

use crate::domain::signing_key::SigningKey;

mod entity {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, DeriveEntityModel)]
    #[sea_orm(table_name = "signing_keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub kid: String,
        pub private_key: Vec<u8>,
        pub public_key: Vec<u8>,
        pub created_at: ChronoDateTimeUtc,
        pub signs_from: ChronoDateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}

    /// Its private key never reaches a log by way of `{:?}`.
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Model(…)")
        }
    }
}

use entity::{ActiveModel, Column, Entity, Model};

/// More keys than this are never published at once; rotation keeps two.
const KEYS_MAX: u64 = 16;

/// Reads all keys in the order in which they sign.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<SigningKey>, DbErr> {
    let rows = Entity::find()
        .order_by_desc(Column::SignsFrom)
        .order_by_desc(Column::Kid)
        .limit(KEYS_MAX)
        .all(db)
        .await?;
    rows.into_iter().rev().map(SigningKey::try_from).collect()
}

/// Stores a new key.
pub async fn insert(db: &impl ConnectionTrait, key: &SigningKey) -> Result<(), DbErr> {
    let row = ActiveModel {
        kid: Set(key.kid.clone()),
        private_key: Set(key.private_key.expose_secret().to_vec()),
        public_key: Set(key.public_key.to_vec()),
        created_at: Set(key.created_at),
        signs_from: Set(key.signs_from),
    };
    Entity::insert(row)
        .exec_without_returning(db)
        .await
        .map(drop)
}

/// Forgets keys.
pub async fn delete(db: &impl ConnectionTrait, kids: &[String]) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::Kid.is_in(kids))
        .exec(db)
        .await
        .map(drop)
}

impl TryFrom<Model> for SigningKey {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let wrong = |_| DbErr::Type("a public key has 32 bytes".to_owned());
        Ok(Self {
            kid: row.kid,
            private_key: row.private_key.into(),
            public_key: row.public_key.try_into().map_err(wrong)?,
            created_at: row.created_at,
            signs_from: row.signs_from,
        })
    }
}
