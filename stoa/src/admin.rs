//! A running process as its admin listener shows it: who asks there, and how.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(5);
const ADMIN_PORT: u16 = 9090;
const ADMIN_IS_AT: &str = "--admin-port is 9090 of `stoa up`, of a service its port + 4000";
/// More than a hundred facts of each service, as long as facts may be.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Nobody answers, or who does cannot just now.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(String);

/// An admin listener, and what it is shown.
pub struct Admin {
    address: SocketAddr,
    token_file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
}

impl Admin {
    /// The one that is configured, for who has a token in that file. It is read each time, since tokens end soon.
    pub fn new(config: &Config, token_file: Option<PathBuf>) -> Self {
        let general = &config.general;
        let port = general.admin_port.unwrap_or(ADMIN_PORT);
        Self {
            address: SocketAddr::new(general.admin_bind, port),
            token_file,
        }
    }

    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.token_file else {
            return Ok(None);
        };
        let token = std::fs::read_to_string(file);
        let token = token.with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Some(token.trim().to_owned()))
    }

    /// Asks for a page of it, which answers with JSON.
    ///
    /// # Errors
    ///
    /// [`Away`], a token file that cannot be read, or what was asked for is refused.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<T> {
        let token = self.token()?;
        let exchange = self.exchange(method, path, token.as_deref(), body);
        let answered = tokio::time::timeout(TIMEOUT, exchange).await;
        let answered = answered.map_err(|_| Away(format!("{} does not answer", self.address)))?;
        let (status, body) = answered.map_err(|error| {
            let address = self.address;
            Away(format!(
                "nobody answers at {address}: {ADMIN_IS_AT}: {error:#}"
            ))
        })?;
        if status.is_success() {
            return serde_json::from_slice(&body).context("the answer is none of Stoa's");
        }
        let refused = serde_json::from_slice::<Refused>(&body).map(|refused| refused.message);
        match status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                bail!(
                    "{} has no such page: it is no admin listener ({ADMIN_IS_AT}), or that of a process without a \
                     service, as the gateway's",
                    self.address
                )
            }
            StatusCode::UNAUTHORIZED => {
                bail!("an admin's access token is needed: --token-file FILE")
            }
            status => {
                let said = refused.unwrap_or_else(|_| status.to_string());
                match status.is_server_error() {
                    true => Err(Away(said).into()),
                    false => bail!(said),
                }
            }
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
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
