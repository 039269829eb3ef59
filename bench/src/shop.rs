//! A whole shop in a release build, and a client of it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sea_orm::sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use serde_json::{Value, json};
use testkit::postgres::Server;

use crate::child::Child;

/// `stoa up`.
pub struct Shop {
    /// Its process.
    pub child: Child,
    /// From its start to its own word that it is ready.
    pub ready_after: Duration,
    /// The way in.
    pub door: Door,
    admin: String,
}

impl Shop {
    /// Starts it on a data folder and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub fn up(data: &Path, variables: &HashMap<String, String>) -> anyhow::Result<Self> {
        let began = Instant::now();
        let mut command = Command::new(program()?);
        command
            .args(["up", "--port", "0", "--admin-port", "0", "--data"])
            .arg(data)
            .envs(variables);
        let (mut origin, mut ready_after) = (None, Duration::ZERO);
        let (child, (origin, admin)) = Child::start(&mut command, |line| {
            if let Some(rest) = line.split("Stoa is ready at ").nth(1) {
                ready_after = began.elapsed();
                origin = rest.split_whitespace().next().map(str::to_owned);
            }
            let rest = line.split("Metrics, readiness, build: ").nth(1)?;
            let admin = rest.split("/metrics").next()?;
            Some((origin.take()?, admin.to_owned()))
        })?;
        Ok(Self {
            child,
            ready_after,
            door: Door::new(origin),
            admin,
        })
    }

    /// The sum of a metric over all its labels.
    ///
    /// # Errors
    /// The admin listener does not answer.
    pub async fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let request = Request::get(format!("{}/metrics", self.admin)).body(Full::default())?;
        let text = self.door.send(request).await?.1;
        let text = std::str::from_utf8(&text)?;
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = rest.rsplit(' ').next()?;
            rest.starts_with(['{', ' '])
                .then(|| value.parse::<f64>().ok())?
        });
        Ok(values.sum())
    }
}

/// Makes the databases of a shop on a server that has none; returns the variables that say where they are.
///
/// # Errors
/// The server refuses.
pub async fn databases(server: &Server) -> anyhow::Result<HashMap<String, String>> {
    let mut variables = HashMap::new();
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    for name in migrations::services() {
        let create = format!("create database \"{name}\"");
        raw_sql(AssertSqlSafe(create))
            .execute(&mut connection)
            .await?;
        let variable = format!("STOA_{}__DATABASE_URL", name.to_uppercase());
        variables.insert(variable, server.url(name));
    }
    connection.close().await?;
    Ok(variables)
}

/// The program beside this one, of the same profile.
///
/// # Errors
/// It was not built.
pub fn program() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("stoa");
    ensure!(
        program.is_file(),
        "{} is missing: build it with the same profile, as `just bench` does",
        program.display()
    );
    Ok(program)
}

/// One client of a shop, maybe signed in.
#[derive(Clone)]
pub struct Door {
    origin: String,
    token: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Somebody who can order.
#[derive(Clone)]
pub struct Customer {
    id: String,
    door: Door,
}

impl Door {
    fn new(origin: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            origin,
            token: None,
            client,
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let response = self.client.request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Calls an rpc in Connect JSON.
    ///
    /// # Errors
    /// No answer, or an error.
    pub async fn call(&self, rpc: &str, message: &Value, key: &str) -> anyhow::Result<Value> {
        let mut request = Request::post(format!("{}/stoa.{rpc}", self.origin))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (status, bytes) = self.send(request.body(message.to_string().into())?).await?;
        ensure!(
            status == StatusCode::OK,
            "{rpc}: {}",
            String::from_utf8_lossy(&bytes)
        );
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// The shop refuses.
    pub async fn sign_up(&self, name: &str) -> anyhow::Result<Customer> {
        let message = json!({
            "name": name,
            "email": format!("{name}@example.test"),
            "password": "a short sentence",
        });
        let answer = self
            .call("user.v1.AuthService/SignUp", &message, name)
            .await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut door = self.clone();
        door.token = text(&answer["tokens"]["accessToken"]);
        ensure!(door.token.is_some(), "an account without a token");
        Ok(Customer {
            id: text(&answer["user"]["id"]).context("an account without an id")?,
            door,
        })
    }

    /// Puts so many pieces of each of `skus` on the shelf, as the demo shop's operator.
    ///
    /// # Errors
    /// The shop refuses.
    pub async fn stock_up(&self, skus: &[String], pieces: u32) -> anyhow::Result<()> {
        let message = json!({"email": "operator@stoa.test", "password": "stoa-demo"});
        let rpc = "user.v1.AuthService/SignIn";
        let answer = self.call(rpc, &message, "-").await?;
        let token = answer["tokens"]["accessToken"].as_str();
        let mut operator = self.clone();
        operator.token = Some(token.context("a sign-in without a token")?.to_owned());
        for sku in skus {
            let message = json!({"sku": sku, "delta": pieces, "reason": "bench"});
            let rpc = "inventory.v1.InventoryService/AdjustStock";
            let key = format!("stock-{sku}");
            operator.call(rpc, &message, &key).await?;
        }
        Ok(())
    }

    /// All that is for sale.
    ///
    /// # Errors
    /// The shop refuses.
    pub async fn skus(&self) -> anyhow::Result<Vec<String>> {
        let (mut skus, mut page) = (Vec::new(), String::new());
        loop {
            let message = json!({"pageSize": 100, "pageToken": page});
            let answer = self
                .call("catalog.v1.CatalogService/ListProducts", &message, "-")
                .await?;
            let products = answer["products"].as_array().cloned().unwrap_or_default();
            skus.extend(
                products
                    .iter()
                    .filter_map(|one| Some(one["sku"].as_str()?.to_owned())),
            );
            match answer["nextPageToken"].as_str() {
                Some(next) => next.clone_into(&mut page),
                None => return Ok(skus),
            }
        }
    }
}

impl Customer {
    /// Orders one piece and waits as long as the shop lets one wait; whether it was confirmed.
    /// Asks again under the same key, as often as `again` says, when the shop says `aborted`:
    /// writers met at the same rows too often.
    ///
    /// # Errors
    /// The shop refuses.
    pub async fn check_out(&self, sku: &str, key: &str, again: usize) -> anyhow::Result<bool> {
        let message = json!({
            "customerId": self.id,
            "items": [{"sku": sku, "quantity": 1}],
            "paymentMethod": {"token": "tok_ok"},
        });
        let rpc = "order.v1.OrderService/CreateOrder";
        let mut left = again;
        loop {
            match self.door.call(rpc, &message, key).await {
                Ok(answer) => return Ok(answer["order"]["status"] == "ORDER_STATUS_CONFIRMED"),
                Err(error) if left > 0 && error.to_string().contains("\"aborted\"") => left -= 1,
                Err(error) => return Err(error),
            }
        }
    }
}
