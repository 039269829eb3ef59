//! Asks an identity provider for its keys: one GET over a connection of its own, with an end to
//! its bytes. Redirects are not followed: the keys are where the configuration says, or nowhere.
//! How often and how long is asked, and what the bytes mean, is `token`'s concern.

use std::pin::pin;
use std::sync::Arc;

use futures::FutureExt;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use token::{FetchJwks, JWKS_BYTES_MAX, TrustedIssuer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::config::{self, IdentityProvider};

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// The provider as one whose tokens are taken.
///
/// # Errors
///
/// Certificates that cannot be used, or a host that no certificate can name.
pub fn trusted(provider: &IdentityProvider) -> Result<TrustedIssuer, config::Error> {
    let site = Arc::new(Site::new(provider)?);
    let fetch: FetchJwks = Arc::new(move || {
        let site = site.clone();
        async move { site.ask().await }.boxed()
    });
    Ok(TrustedIssuer::new(provider.rules.clone(), fetch))
}

/// Where the keys are, and how to be sure of it.
struct Site {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Site {
    fn new(provider: &IdentityProvider) -> Result<Self, config::Error> {
        let bad = |name: &str, problem: &str| {
            config::Error::new(format!("{}.{name}", provider.key), problem)
        };
        let uri = provider.jwks.clone();
        let host = uri.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(); // IPv6
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let mut tls = None;
        if secure {
            let name = ServerName::try_from(host.clone());
            let name = name.map_err(|_| bad("jwks", "has a host that no certificate can name"))?;
            let roots = roots(provider).map_err(|problem| bad("ca", &problem))?;
            tls = Some((
                connector(roots).map_err(|problem| bad("ca", &problem))?,
                name,
            ));
        }
        Ok(Self {
            uri,
            host,
            port,
            tls,
        })
    }

    /// The bytes of the key set.
    async fn ask(&self) -> Result<Vec<u8>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| format!("no connection: {error}"))?;
        match &self.tls {
            None => self.get(stream).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                let stream = stream.map_err(|error| format!("no TLS: {error}"))?;
                self.get(stream).await
            }
        }
    }

    async fn get(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<Vec<u8>, String> {
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("no HTTP: {error}"))?;
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or("", |host| host.as_str());
        let request = Request::get(path)
            .header(HOST, host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, "stoa")
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let mut answered = pin!(async move {
            let answer = sender.send_request(request).await;
            let answer = answer.map_err(|error| format!("no answer: {error}"))?;
            if answer.status() != StatusCode::OK {
                return Err(format!("the answer is {}", answer.status()));
            }
            let body = Limited::new(answer.into_body(), JWKS_BYTES_MAX).collect();
            let body = body
                .await
                .map_err(|error| format!("no whole answer: {error}"))?;
            Ok(body.to_bytes().to_vec())
        });
        // Both are dropped together: nothing is left of a call that takes too long.
        tokio::select! {
            answer = &mut answered => return answer,
            _ended = connection => {}
        }
        answered.await
    }
}

/// Who vouches for the provider: those of its `ca` file alone, or those whom browsers trust.
fn roots(provider: &IdentityProvider) -> Result<RootCertStore, String> {
    let Some(file) = &provider.ca else {
        return Ok(RootCertStore::from_iter(
            webpki_roots::TLS_SERVER_ROOTS.iter().cloned(),
        ));
    };
    let pem = std::fs::read(file);
    let pem = pem.map_err(|error| format!("names a file that cannot be read: {}", error.kind()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let added = certificate.map(|certificate| roots.add(certificate));
        if !matches!(added, Ok(Ok(()))) {
            return Err("has a certificate that cannot be used".to_owned());
        }
    }
    match roots.is_empty() {
        true => Err("names a file without a certificate in PEM".to_owned()),
        false => Ok(roots),
    }
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, String> {
    let provider = Arc::new(crypto::ring::default_provider()); // whatever else is in the process
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("cannot be used: {error}"))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests;
