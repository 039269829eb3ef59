//! Table `product_terms`: the words by which products are found, and the search over them.

use std::collections::BTreeMap;

use sea_orm::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    CaseStatement, Cond, ExprTrait, Func, Order, Query as Sql, SelectStatement, UnionType,
};
use serde::{Deserialize, Serialize};

use super::product;
use crate::domain::product::{Product, ProductId};
use crate::domain::search::{Query, Term, WHOLE_WORD_FACTOR, prefix_end};

/// Rows of one insert; a statement may bind no more than 32,766 values on SQLite.
const INSERT_BATCH: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_terms")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    term: Vec<u8>,
    #[sea_orm(primary_key, auto_increment = false)]
    product_id: Uuid,
    weight: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Where a page of finds ends: best first, ties by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rank {
    score: i64,
    id: Uuid,
}

/// A find and its place.
#[derive(Clone, Debug)]
pub struct Find {
    pub product: Product,
    pub rank: Rank,
}

/// Stores the terms of new products.
pub async fn insert<'a>(
    db: &impl ConnectionTrait,
    terms: impl IntoIterator<Item = (ProductId, &'a BTreeMap<String, i32>)>,
) -> Result<(), DbErr> {
    let rows: Vec<ActiveModel> = terms
        .into_iter()
        .flat_map(|(id, terms)| {
            terms
                .iter()
                .map(move |(term, weight)| row(id, term, *weight))
        })
        .collect();
    for batch in rows.chunks(INSERT_BATCH) {
        Entity::insert_many(batch.to_vec())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// Stores the terms of a product in place of those it had.
pub async fn replace(
    db: &impl ConnectionTrait,
    id: ProductId,
    terms: &BTreeMap<String, i32>,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::ProductId.eq(id.0))
        .exec(db)
        .await?;
    insert(db, [(id, terms)]).await
}

/// Up to `limit` products after a rank that hold all terms of the query, best first, of one
/// category or of all.
pub async fn search(
    db: &impl ConnectionTrait,
    query: &Query,
    category: Option<&str>,
    after: Option<Rank>,
    limit: u64,
) -> Result<Vec<Find>, DbErr> {
    let Some(statement) = ranked(query, category, after, limit) else {
        return Ok(Vec::new());
    };
    let mut ranks = Vec::new();
    for row in db.query_all(&statement).await? {
        ranks.push(Rank {
            score: row.try_get("", "score")?,
            id: row.try_get("", "product_id")?,
        });
    }
    if ranks.is_empty() {
        return Ok(Vec::new());
    }
    let rows = product::select_by_ids(ranks.iter().map(|rank| rank.id))
        .all(db)
        .await?;
    let products = rows.into_iter().map(|row| {
        let product = Product::try_from(row)?;
        Ok((product.id.0, product))
    });
    let mut products: BTreeMap<Uuid, Product> = products.collect::<Result<_, DbErr>>()?;
    // A product that was deleted between the two statements is left out.
    let finds = ranks.into_iter().filter_map(|rank| {
        products
            .remove(&rank.id)
            .map(|product| Find { product, rank })
    });
    Ok(finds.collect())
}

#[derive(Clone, Copy, DeriveIden)]
enum Name {
    /// The best match of each term of the query in each product.
    Hits,
    /// The products that hold them all.
    Found,
    /// What a product is worth for one term.
    Worth,
    /// What it is worth for all of them.
    Score,
}

/// The statement behind [`search`]; none for a query without terms.
fn ranked(
    query: &Query,
    category: Option<&str>,
    after: Option<Rank>,
    limit: u64,
) -> Option<SelectStatement> {
    let mut terms = query.terms.iter().map(hits);
    let mut hits = terms.next()?;
    hits.unions(terms.map(|more| (UnionType::All, more)));
    let product_id = (Name::Hits, Column::ProductId);
    let terms = i64::try_from(query.terms.len()).unwrap_or(i64::MAX); // at most 8
    let mut found = Sql::select();
    found
        .column(product_id)
        .expr_as(Func::sum(Expr::col((Name::Hits, Name::Worth))), Name::Score)
        .from_subquery(hits, Name::Hits)
        .group_by_col(product_id)
        .and_having(Func::count(Expr::col(product_id)).eq(terms));
    if let Some(category) = category {
        let product = (product::Entity, product::Column::Id);
        found
            .inner_join(product::Entity, Expr::col(product).equals(product_id))
            .and_where(Expr::col((product::Entity, product::Column::Category)).eq(category));
    }
    let mut page = Sql::select();
    page.columns([(Name::Found, Column::ProductId)])
        .column((Name::Found, Name::Score))
        .from_subquery(found, Name::Found)
        .order_by((Name::Found, Name::Score), Order::Desc)
        .order_by((Name::Found, Column::ProductId), Order::Asc)
        .limit(limit);
    if let Some(Rank { score, id }) = after {
        let tie = Expr::col(Name::Score)
            .eq(score)
            .and(Expr::col(Column::ProductId).gt(id));
        page.and_where(Expr::col(Name::Score).lt(score).or(tie));
    }
    Some(page)
}

/// Every product that holds one term, with what the best of its words that matches is worth.
fn hits(term: &Term) -> SelectStatement {
    let wholes = || term.wholes.iter().map(|whole| whole.as_bytes().to_vec());
    let weight = || Expr::col(Column::Weight);
    let worth = CaseStatement::new()
        .case(
            Expr::col(Column::Term).is_in(wholes()),
            weight().mul(WHOLE_WORD_FACTOR),
        )
        .finally(weight());
    let begins = Expr::col(Column::Term)
        .gte(term.prefix.as_bytes().to_vec())
        .and(Expr::col(Column::Term).lt(prefix_end(&term.prefix)));
    Sql::select()
        .column(Column::ProductId)
        .expr_as(Func::max(worth), Name::Worth)
        .from(Entity)
        .cond_where(
            Cond::any()
                .add(begins)
                .add(Expr::col(Column::Term).is_in(wholes())),
        )
        .group_by_col(Column::ProductId)
        .to_owned()
}

fn row(id: ProductId, term: &str, weight: i32) -> ActiveModel {
    ActiveModel {
        term: Set(term.as_bytes().to_vec()),
        product_id: Set(id.0),
        weight: Set(weight),
    }
}
