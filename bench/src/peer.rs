//! Those that stand beside Stoa: programs that take a checkout as JSON over HTTP.

use anyhow::{Context, ensure};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use uuid::Uuid;

/// Where a program reads the key of a checkout.
#[derive(Clone, Copy, Debug)]
pub enum KeyIn {
    /// The header `idempotency-key` of `POST /checkout`.
    Header,
    /// The path, `POST /checkout/KEY/run`.
    Path,
}

/// One customer of such a program.
#[derive(Clone)]
pub struct Customer {
    id: Uuid,
    told: KeyIn,
    origin: String,
    client: JsonClient,
}

/// Sends JSON and reads JSON.
#[derive(Clone)]
pub struct JsonClient(Client<HttpConnector, Full<Bytes>>);

impl Customer {
    /// Somebody who orders at `origin`.
    pub fn new(origin: &str, told: KeyIn) -> Self {
        Self {
            id: Uuid::new_v4(),
            told,
            origin: origin.to_owned(),
            client: JsonClient::new(),
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
        let (url, key) = match self.told {
            KeyIn::Header => (format!("{}/checkout", self.origin), Some(key)),
            KeyIn::Path => (format!("{}/checkout/{key}/run", self.origin), None),
        };
        let answer = self.client.post(&url, key, &message).await?;
        Ok(answer["status"] == "CONFIRMED")
    }
}

impl JsonClient {
    /// A client whose connections stay open.
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a message, maybe under a key, and returns the answer.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn post(
        &self,
        url: &str,
        key: Option<&str>,
        message: &Value,
    ) -> anyhow::Result<Value> {
        let mut request = Request::post(url)
            .header("content-type", "application/json")
            .header("accept", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(message.to_string().into())?;
        let response = self.0.request(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await?.to_bytes();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        ensure!(status.is_success(), "{url}: {status}: {}", text());
        serde_json::from_slice(&bytes).with_context(text)
    }
}
