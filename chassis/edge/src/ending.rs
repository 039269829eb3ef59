//! A connection that is asked to end, for whoever speaks on it after an upgrade.

use tokio_util::sync::CancellationToken;

/// Whether a connection should end: it is old, or the server stops. An extension of a request that asks for an
/// upgrade; who grants it says goodbye then, or is cut a little later.
#[derive(Clone, Debug, Default)]
pub struct ConnectionEnding(CancellationToken);

impl ConnectionEnding {
    /// Asks for it.
    pub fn ask(&self) {
        self.0.cancel();
    }

    /// Returns when it is asked for.
    pub async fn asked(&self) {
        self.0.cancelled().await;
    }
}
