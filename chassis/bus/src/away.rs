//! What stops work for a moment: a database or a broker that is away.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// How work goes, by the service whose facts it is about; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Condition(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Condition {
    /// What does not go on, and why; none where all does.
    pub fn waits(&self) -> Option<String> {
        let causes = self.lock();
        let causes = causes
            .iter()
            .map(|(source, cause)| format!("facts of {source} wait: {cause}"));
        let all: Vec<String> = causes.collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// It goes on.
    pub(crate) fn goes_on(&self, source: &'static str) {
        self.lock().remove(source);
    }

    /// It does not, for that cause; tells whether that is new.
    pub(crate) fn stops(&self, source: &'static str, cause: &str) -> bool {
        let before = self.lock().insert(source, cause.to_owned());
        before.is_none_or(|before| before != cause)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works until `shutdown`, and begins anew whenever something is away, which `condition` says until the work itself says
/// that it goes on. `tell` hears of each cause once, until the work went on or stops for another.
pub(crate) async fn until<F>(
    shutdown: &CancellationToken,
    (condition, source): (&Condition, &'static str),
    work: impl Fn() -> F,
    tell: impl Fn(&str),
) where
    F: Future<Output = Result<Infallible, Away>>,
{
    loop {
        let worked = shutdown.run_until_cancelled(work()).await;
        let Some(Err(Away(cause))) = worked else {
            return;
        };
        if condition.stops(source, &cause) {
            tell(&cause);
        }
        let pause = shutdown.run_until_cancelled(tokio::time::sleep(RETRY_AFTER));
        if pause.await.is_none() {
            return;
        }
    }
}
