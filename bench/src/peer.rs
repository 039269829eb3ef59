//! Those that stand beside Stoa: programs that take a checkout as JSON over HTTP.

use anyhow::{Context, ensure};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

/// One customer of such a program.
#[derive(Clone)]
pub struct Customer {
    id: Uuid,
    path: fn(&str) -> String,
    origin: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Customer {
    /// Somebody who orders at `origin`, where `path` of the key takes a checkout.
    pub fn new(origin: &str, path: fn(&str) -> String) -> Self {
        Self {
            id: Uuid::new_v4(),
            path,
            origin: origin.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Orders one piece; whether it was confirmed.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn check_out(&self, sku: &str, key: &str) -> anyhow::Result<bool> {
        let message = json!({
            "customerId": self.id,
            "sku": sku,
            "quantity": 1,
            "token": "tok_ok",
            "currencyCode": "EUR",
        });
        let request = Request::post(format!("{}{}", self.origin, (self.path)(key)))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(message.to_string().into())?;
        let response = self.client.request(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        ensure!(status == StatusCode::OK, "{status}: {}", text());
        let answer: Value = serde_json::from_slice(&bytes).with_context(text)?;
        Ok(answer["status"] == "CONFIRMED")
    }
}
