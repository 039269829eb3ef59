//! What befalls a call on purpose.

use std::pin::Pin;

use axum::response::Response;
use connectrpc_axum::prelude::ConnectError;
use faults::{End, Harm};

use crate::inner::Rejected;
use contract::Method;

const MESSAGE: &str = "This fault was set on purpose";

/// Has a call answered as the fault says. Its deadline holds all the same.
pub(super) async fn befall(
    harm: Harm,
    method: &Method,
    answering: Pin<&mut impl Future<Output = Response>>,
) -> Response {
    metrics::counter!("faults_met_total").increment(1);
    tracing::info!(?harm, "{MESSAGE}");
    tokio::time::sleep(harm.delay).await;
    match harm.end {
        None => answering.await,
        Some(End::Fails(code)) => Rejected::response(ConnectError::new(code, MESSAGE)),
        Some(End::Drops) => {
            drop(answering.await);
            std::future::pending().await
        }
        Some(End::Crashes) => {
            drop(answering.await);
            tracing::error!("The process ends in {}: {MESSAGE}", method.path);
            telemetry::flush();
            std::process::abort()
        }
    }
}
