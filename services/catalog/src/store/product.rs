//! Table `products`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use money::Amount;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Cond;
use sea_orm::{QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};
use sql::fault;

use crate::domain::product::{Product, ProductId, Sku};
use crate::error::Error;
use crate::store::amount;

/// Rows of one insert; a statement may bind no more than 32,766 values on SQLite.
const INSERT_BATCH: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    id: Uuid,
    sku: String,
    name: String,
    description: String,
    category: String,
    image_url: String,
    display_currency: Option<String>,
    display_minor_units: Option<i64>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a page of products in order of age ends: newest first, ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    created_at: DateTime<Utc>,
    id: Uuid,
}

impl Position {
    /// The position of a product that is the last of its page.
    pub fn of(product: &Product) -> Self {
        Self {
            created_at: product.created_at,
            id: product.id.0,
        }
    }
}

/// One product by its id.
pub async fn find(db: &impl ConnectionTrait, id: ProductId) -> Result<Option<Product>, DbErr> {
    let row = Entity::find_by_id(id.0).one(db).await?;
    row.map(Product::try_from).transpose()
}

/// The products among the ids and SKUs that exist, each once. The caller bounds both.
pub async fn find_many(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = ProductId>,
    skus: impl IntoIterator<Item = &Sku>,
) -> Result<Vec<Product>, DbErr> {
    let ids: Vec<Uuid> = ids.into_iter().map(|id| id.0).collect();
    let skus: Vec<&str> = skus.into_iter().map(Sku::as_str).collect();
    if ids.is_empty() && skus.is_empty() {
        return Ok(Vec::new());
    }
    // An empty list beside another would keep the databases from their indexes.
    let named = Cond::any()
        .add_option((!ids.is_empty()).then(|| Column::Id.is_in(ids)))
        .add_option((!skus.is_empty()).then(|| Column::Sku.is_in(skus)));
    let rows = Entity::find().filter(named).all(db).await?;
    rows.into_iter().map(Product::try_from).collect()
}

/// Up to `limit` products after a position, newest first, of one category or of all.
pub async fn newest(
    db: &impl ConnectionTrait,
    category: Option<&str>,
    after: Option<Position>,
    limit: u64,
) -> Result<Vec<Product>, DbErr> {
    let mut query = Entity::find();
    if let Some(category) = category {
        query = query.filter(Column::Category.eq(category));
    }
    if let Some(Position { created_at, id }) = after {
        let later = Cond::any()
            .add(Column::CreatedAt.lt(created_at))
            .add(Column::Id.gt(id));
        query = query
            .filter(Column::CreatedAt.lte(created_at))
            .filter(later);
    }
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    rows.into_iter().map(Product::try_from).collect()
}

/// Stores a new product.
///
/// # Errors
/// [`Error::SkuTaken`] if another product has the SKU.
pub async fn insert(db: &impl ConnectionTrait, product: &Product) -> Result<(), Error> {
    let inserted = Entity::insert(row(product))
        .exec_without_returning(db)
        .await;
    inserted.map(drop).map_err(|error| {
        if fault(&error).is_unique("products_sku_key", &["products.sku"]) {
            Error::SkuTaken(product.sku.clone())
        } else {
            Error::Store(error)
        }
    })
}

/// Stores new products, several a statement.
pub async fn insert_many(db: &impl ConnectionTrait, products: &[Product]) -> Result<(), DbErr> {
    for batch in products.chunks(INSERT_BATCH) {
        let rows = batch.iter().map(row);
        Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Which of the ids are taken. The caller bounds them.
pub async fn taken(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = ProductId>,
) -> Result<BTreeSet<ProductId>, DbErr> {
    let taken: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.is_in(ids.into_iter().map(|id| id.0)))
        .into_tuple()
        .all(db)
        .await?;
    Ok(taken.into_iter().map(ProductId).collect())
}

/// Stores a changed product, one version after the one it was read in.
pub async fn update(db: &impl ConnectionTrait, product: &Product) -> Result<(), DbErr> {
    let updated = Entity::update_many()
        .set(row(product))
        .filter(Column::Id.eq(product.id.0))
        .filter(Column::Version.eq(product.version - 1))
        .exec(db)
        .await?;
    if updated.rows_affected == 1 {
        Ok(())
    } else {
        Err(DbErr::RecordNotUpdated)
    }
}

/// Removes a product; its terms go with it.
pub async fn delete(db: &impl ConnectionTrait, id: ProductId) -> Result<(), DbErr> {
    let deleted = Entity::delete_by_id(id.0).exec(db).await?;
    if deleted.rows_affected == 1 {
        Ok(())
    } else {
        Err(DbErr::RecordNotUpdated)
    }
}

/// The first category by name after `name` that a product has.
pub async fn category_after(
    db: &impl ConnectionTrait,
    name: &str,
) -> Result<Option<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Category)
        .filter(Column::Category.gt(name))
        .order_by_asc(Column::Category)
        .limit(1)
        .into_tuple()
        .one(db)
        .await
}

/// The pictures of the newest products of a category, at most `limit`, empty ones among them.
pub async fn pictures(
    db: &impl ConnectionTrait,
    category: &str,
    limit: u64,
) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::ImageUrl)
        .filter(Column::Category.eq(category))
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// The entity, for the search's statement, which orders by what stands in another table.
pub(super) fn select_by_ids(ids: impl IntoIterator<Item = Uuid>) -> Select<Entity> {
    Entity::find().filter(Column::Id.is_in(ids))
}

impl TryFrom<Model> for Product {
    type Error = DbErr;

    fn try_from(row: Model) -> Result<Self, DbErr> {
        let display_price = row.display_currency.zip(row.display_minor_units);
        let display_price = display_price.map(|(code, minor_units)| amount(&code, minor_units));
        Ok(Self {
            id: ProductId(row.id),
            sku: Sku::new(row.sku),
            name: row.name,
            description: row.description,
            category: row.category,
            image_url: row.image_url,
            display_price: display_price.transpose()?,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn row(product: &Product) -> ActiveModel {
    let price = product.display_price;
    ActiveModel {
        id: Set(product.id.0),
        sku: Set(product.sku.as_str().to_owned()),
        name: Set(product.name.clone()),
        description: Set(product.description.clone()),
        category: Set(product.category.clone()),
        image_url: Set(product.image_url.clone()),
        display_currency: Set(price.map(|price| price.currency().to_string())),
        display_minor_units: Set(price.map(Amount::minor_units)),
        version: Set(product.version),
        created_at: Set(product.created_at),
        updated_at: Set(product.updated_at),
    }
}
