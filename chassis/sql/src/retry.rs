//! Runs an attempt again when another transaction was in its way.

use std::error::Error;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio::time::Instant;

use crate::{Fault, fault_within};

const RETRIES_MAX: usize = 5;
const DELAY_MIN: Duration = Duration::from_millis(4);
const DELAY_MAX: Duration = Duration::from_millis(250);

/// Runs `attempt`, and up to five times again while its error comes from a database fault of the
/// kind [`Fault::Retry`]; pauses grow and are jittered, so that rivals part.
///
/// Each attempt must be whole: begin, everything it reads, and the commit. A future of this that
/// is dropped leaves the running attempt rolled back, or committed.
///
/// # Errors
/// That of the last attempt.
pub async fn retrying<T, E, Fut>(attempt: impl FnMut() -> Fut) -> Result<T, E>
where
    E: Error + 'static,
    Fut: Future<Output = Result<T, E>>,
{
    again(pauses().with_max_times(RETRIES_MAX), attempt, |_| true).await
}

/// As [`retrying`], for somebody who waits until then: as often as there is time for.
///
/// # Errors
/// That of the last attempt.
pub async fn retrying_until<T, E, Fut>(until: Instant, attempt: impl FnMut() -> Fut) -> Result<T, E>
where
    E: Error + 'static,
    Fut: Future<Output = Result<T, E>>,
{
    let in_time = |pause| Instant::now() + pause < until;
    again(pauses().without_max_times(), attempt, in_time).await
}

fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(DELAY_MIN)
        .with_max_delay(DELAY_MAX)
        .with_factor(3.0)
        .with_jitter()
}

async fn again<T, E, Fut>(
    pauses: ExponentialBuilder,
    attempt: impl FnMut() -> Fut,
    in_time: impl Fn(Duration) -> bool,
) -> Result<T, E>
where
    E: Error + 'static,
    Fut: Future<Output = Result<T, E>>,
{
    attempt
        .retry(pauses)
        .adjust(|error, pause| pause.filter(|pause| fault_within(error) == Fault::Retry && in_time(*pause)))
        .notify(|error, pause| {
            metrics::counter!("store_retries_total").increment(1);
            tracing::debug!(error = %error, ?pause, "Another transaction was in the way, trying again");
        })
        .await
}
