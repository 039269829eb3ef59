//! What is suggested: with a product, to a person, to anybody.

use std::collections::BTreeSet;

use call::Scope;

use crate::App;
use crate::domain::id::CustomerId;
use crate::domain::product::Sku;
use crate::domain::ranking::{Ranked, rank};
use crate::error::Error;
use crate::store;

/// Of what was bought with a product, what is looked at: the strongest, since some may not be sold any
/// more.
const PARTNERS_MAX: u64 = 100;
/// The things a person bought last by which we look for others.
const SEEDS_MAX: usize = 20;
/// Of what was bought with each of them, what is looked at, the strongest.
const PARTNERS_OF_SEED_MAX: u64 = 30;

/// What goes with a product, filled up with best sellers.
///
/// # Errors
/// The database failed.
pub async fn with(app: &App, sku: Sku, limit: usize) -> Result<Vec<Ranked>, Error> {
    let without = BTreeSet::from([sku]);
    let (together, best) = tokio::try_join!(
        store::pair::partners(app.db.read(), without.iter(), PARTNERS_MAX),
        store::offer::best(app.db.read(), enough(limit, &without)),
    )?;
    Ok(rank(together, best, &without, limit))
}

/// What sells best.
///
/// # Errors
/// The database failed.
pub async fn best(app: &App, limit: usize) -> Result<Vec<Ranked>, Error> {
    let without = BTreeSet::new();
    let best = store::offer::best(app.db.read(), enough(limit, &without)).await?;
    Ok(rank(Vec::new(), best, &without, limit))
}

/// What goes with what a person bought last and is not among it, filled up with best sellers.
///
/// # Errors
/// [`Error::UserNotFound`] for somebody else.
pub async fn to(
    app: &App,
    scope: Scope,
    customer: CustomerId,
    limit: usize,
) -> Result<Vec<Ranked>, Error> {
    if !scope.reaches(customer.0) {
        return Err(Error::UserNotFound);
    }
    let bought = store::purchase::last(app.db.read(), customer).await?;
    let seeds = bought.iter().take(SEEDS_MAX);
    let without: BTreeSet<Sku> = bought.iter().cloned().collect();
    let (together, best) = tokio::try_join!(
        store::pair::partners(app.db.read(), seeds, PARTNERS_OF_SEED_MAX),
        store::offer::best(app.db.read(), enough(limit, &without)),
    )?;
    Ok(rank(together, best, &without, limit))
}

/// How many best sellers fill up any list: where there are too few others, those are fewer than `limit`,
/// and each of them may sell best too.
fn enough(limit: usize, without: &BTreeSet<Sku>) -> u64 {
    (2 * limit + without.len()) as u64
}
