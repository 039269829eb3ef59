//! What stops work for a moment: a database or a broker that is away.

use std::convert::Infallible;
use std::time::Duration;

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

/// How soon work goes on after something was away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Something is away; why, for the log.
#[derive(Debug)]
pub(crate) struct Away(pub String);

impl From<DbErr> for Away {
    fn from(error: DbErr) -> Self {
        Self(call::error::chain(&error))
    }
}

/// Works until `shutdown`, and begins anew whenever something is away. `tell` hears of each cause once in a row.
pub(crate) async fn until<F>(
    shutdown: &CancellationToken,
    work: impl Fn() -> F,
    tell: impl Fn(&str),
) where
    F: Future<Output = Result<Infallible, Away>>,
{
    let mut told = None;
    loop {
        let worked = shutdown.run_until_cancelled(work()).await;
        let Some(Err(Away(cause))) = worked else {
            return;
        };
        if told.as_ref() != Some(&cause) {
            tell(&cause);
            told = Some(cause);
        }
        let pause = shutdown.run_until_cancelled(tokio::time::sleep(RETRY_AFTER));
        if pause.await.is_none() {
            return;
        }
    }
}
