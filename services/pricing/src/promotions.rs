//! Setting promotions.

use command::Work;

use crate::domain::promotion::Promotion;
use crate::error::Error;
use crate::store;

/// Promotions with one target that may be running or still to come at the same time. It bounds
/// what a quote reads.
pub const PROMOTIONS_PER_TARGET_MAX: u64 = 16;

/// Makes a promotion, or replaces the one with its id.
///
/// # Errors
/// [`Error::TooManyPromotions`] when its target has too many already.
pub async fn set(work: &mut Work<'_>, promotion: &Promotion) -> Result<(), Error> {
    let others = store::promotion::count_others(&work.txn, promotion, work.now).await?;
    if others >= PROMOTIONS_PER_TARGET_MAX {
        return Err(Error::TooManyPromotions);
    }
    Ok(store::promotion::save(&work.txn, promotion).await?)
}
