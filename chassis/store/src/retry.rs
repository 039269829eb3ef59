//! Runs an attempt again when another transaction was in its way.

use std::error::Error;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

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
    let pauses = ExponentialBuilder::default()
        .with_min_delay(DELAY_MIN)
        .with_max_delay(DELAY_MAX)
        .with_factor(3.0)
        .with_jitter()
        .with_max_times(RETRIES_MAX);
    attempt
        .retry(pauses)
        .when(|error| fault_within(error) == Fault::Retry)
        .notify(|error, pause| {
            metrics::counter!("store_retries_total").increment(1);
            tracing::debug!(error = %error, ?pause, "Another transaction was in the way, trying again");
        })
        .await
}
