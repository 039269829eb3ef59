//! Setting promotions.

use ::store::retrying;

use crate::domain::promotion::Promotion;
use crate::error::Error;
use crate::{App, store};
use command::{Answer, Command};

/// Promotions with one target that may be running or still to come at the same time. It bounds
/// what a quote reads.
pub const PROMOTIONS_PER_TARGET_MAX: u64 = 16;

/// Makes a promotion, or replaces the one with its id.
///
/// # Errors
/// [`Error::TooManyPromotions`] when its target has too many already.
pub async fn set<R: From<Promotion> + prost::Message + Default>(
    app: &App,
    command: &Command,
    promotion: &Promotion,
) -> Result<Answer<R>, Error> {
    retrying(|| set_once(app, command, promotion)).await
}

async fn set_once<R: From<Promotion> + prost::Message + Default>(
    app: &App,
    command: &Command,
    promotion: &Promotion,
) -> Result<Answer<R>, Error> {
    let now = app.clock.now();
    let txn = app.db.begin_write().await?;
    if let Some(answer) = command.claim(&txn, now).await? {
        return Ok(answer);
    }
    let others = store::promotion::count_others(&txn, promotion, now).await?;
    if others >= PROMOTIONS_PER_TARGET_MAX {
        return Err(Error::TooManyPromotions);
    }
    store::promotion::save(&txn, promotion).await?;
    let answer = command.seal(&txn, R::from(promotion.clone())).await?;
    txn.commit().await?;
    Ok(answer)
}
