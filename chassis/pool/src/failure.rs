//! Why a request was not answered.

use std::error::Error;
use std::sync::Arc;

/// What a library says of it.
type Cause = Box<dyn Error + Send + Sync>;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection could be made: the request never left.
    #[error("no connection could be made")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// The connection broke: nothing is known of the request's effect.
    #[error("the connection broke")]
    Broken(#[source] Cause),
    /// The stream was reset, as when a head is too long: likewise, but it says nothing of the peer.
    #[error("the stream was reset")]
    Reset(#[source] Cause),
    /// Every place is taken, and every place to wait for one.
    #[error("all connections are full")]
    Full,
}

impl Failure {
    /// What a request came to that left and was not answered, or not wholly.
    pub fn of(error: impl Into<Cause>) -> Self {
        let cause = error.into();
        match was_reset(&*cause) {
            true => Self::Reset(cause),
            false => Self::Broken(cause),
        }
    }
}

/// Whether that is the end of one stream, and not of the connection that it was on.
fn was_reset(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref().is_some_and(h2::Error::is_reset) {
            return true;
        }
        cause = error.source();
    }
    false
}
