//! `stoa fault`: makes rpcs of a running process fail on purpose.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::cli::FaultCommand;
use crate::config::Config;
use crate::faults::{FaultWish, Shown};

const TIMEOUT: Duration = Duration::from_secs(5);
const ADMIN_PORT: u16 = 9090;
const ADMIN_IS_AT: &str = "--admin-port is 9090 of `stoa up`, of a service its port + 4000";
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Sets, lists or takes back faults of the process whose admin listener is configured.
///
/// # Errors
///
/// Nobody answers there, or what was asked for is refused.
pub async fn run(config: &Config, command: FaultCommand) -> anyhow::Result<ExitCode> {
    let general = &config.general;
    let port = general.admin_port.unwrap_or(ADMIN_PORT);
    let admin = |token: Option<&Path>| Admin::new(SocketAddr::new(general.admin_bind, port), token);
    match command {
        FaultCommand::Set { wish, token_file } => {
            let body = serde_json::to_vec(&FaultWish::from(wish))?;
            let admin = admin(token_file.as_deref())?;
            let set: Vec<Shown> = admin.ask(Method::PUT, "/faults", body).await?;
            print(&set);
        }
        FaultCommand::List { json, token_file } => {
            let admin = admin(token_file.as_deref())?;
            let set: Vec<Shown> = admin.ask(Method::GET, "/faults", Vec::new()).await?;
            match json {
                true => println!("{}", serde_json::to_string(&set)?),
                false => print(&set),
            }
        }
        FaultCommand::Clear { rpc, token_file } => {
            let admin = admin(token_file.as_deref())?;
            let mut path = "/faults".to_owned();
            if let Some(rpc) = &rpc {
                let mut query = form_urlencoded::Serializer::new(String::new());
                path = format!("/faults?{}", query.append_pair("rpc", rpc).finish());
            }
            let Cleared { cleared } = admin.ask(Method::DELETE, &path, Vec::new()).await?;
            if let Some(rpc) = rpc.filter(|_| cleared == 0) {
                // Most likely misspelt: what was to end goes on.
                let set: Vec<Shown> = admin.ask(Method::GET, "/faults", Vec::new()).await?;
                print(&set);
                bail!("no fault is set for {rpc:?}");
            }
            println!("{cleared} taken back");
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Cleared {
    cleared: usize,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
}

fn print(set: &[Shown]) {
    if set.is_empty() {
        println!("no faults are set");
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "rpc",
        "what happens",
        "of its calls",
        "for",
        "met",
    ]);
    for shown in set {
        let left = Duration::from_secs(shown.seconds_left);
        table.add_row([
            shown.rpc.clone(),
            shown.harm.clone(),
            format!("{} %", shown.percent),
            humantime::format_duration(left).to_string(),
            shown.met.to_string(),
        ]);
    }
    println!("{table}");
}

/// An admin listener, and what it is shown.
struct Admin {
    address: SocketAddr,
    token: Option<String>,
}

impl Admin {
    fn new(address: SocketAddr, token: Option<&Path>) -> anyhow::Result<Self> {
        let read = |file: &Path| {
            let token = std::fs::read_to_string(file);
            token.with_context(|| format!("cannot read {}", file.display()))
        };
        let token = token.map(read).transpose()?;
        let token = token.map(|token| token.trim().to_owned());
        Ok(Self { address, token })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<T> {
        let answered = tokio::time::timeout(TIMEOUT, self.exchange(method, path, body)).await;
        let (status, body) = answered
            .with_context(|| format!("{} does not answer", self.address))?
            .with_context(|| format!("nobody answers at {}: {ADMIN_IS_AT}", self.address))?;
        if status.is_success() {
            return serde_json::from_slice(&body).context("the answer is none of Stoa's");
        }
        let refused = serde_json::from_slice::<Refused>(&body).map(|refused| refused.message);
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                bail!("{} is no admin listener: {ADMIN_IS_AT}", self.address)
            }
            StatusCode::UNAUTHORIZED => {
                bail!("an admin's access token is needed: --token-file FILE")
            }
            status => bail!(refused.unwrap_or_else(|_| status.to_string())),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = request.body(Body::from(body))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body.await.map_err(|error| anyhow::anyhow!(error))?;
        Ok((status, body.to_bytes().to_vec()))
    }
}
