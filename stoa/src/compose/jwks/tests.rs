//! A provider on a socket of the test, in the clear and by TLS.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;
use token::{Issuer, SigningAlgorithm};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

const CA: &str = include_str!("ca.pem");

fn provider(jwks: &str, ca: Option<&Path>) -> IdentityProvider {
    let rules = Issuer {
        name: "https://id.example.com".to_owned(),
        audience: "shop".to_owned(),
        algorithms: SigningAlgorithm::ALL.to_vec(),
        subject_claim: "sub".to_owned(),
    };
    IdentityProvider {
        rules,
        jwks: jwks.parse().expect("an address"),
        ca: ca.map(Path::to_owned),
        key: "identity.issuers.0".to_owned(),
    }
}

async fn asked(jwks: &str, ca: Option<&Path>) -> Result<Vec<u8>, String> {
    let site = Site::new(&provider(jwks, ca)).map_err(|error| error.to_string());
    site.expect("it is valid").ask().await
}

/// Answers one request with these bytes and closes; where, and what was asked.
async fn answers(
    bytes: Vec<u8>,
    tls: Option<TlsAcceptor>,
) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("somebody comes");
        match tls {
            None => answer(stream, &bytes).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => answer(stream, &bytes).await,
                Err(_) => String::new(),
            },
        }
    });
    (port, asked)
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    let _ = stream.write_all(bytes).await; // who has enough hangs up
    let _ = stream.shutdown().await;
    String::from_utf8(head).expect("text")
}

fn ok(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn tls() -> TlsAcceptor {
    let pem = include_bytes!("site.pem");
    let chain = CertificateDer::pem_slice_iter(pem).map(|one| one.expect("a certificate"));
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("site.key")).expect("a key");
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("it has versions")
        .with_no_client_auth()
        .with_single_cert(chain.collect(), key)
        .expect("they fit");
    TlsAcceptor::from(Arc::new(config))
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("temporary file");
    file.write_all(text.as_bytes()).expect("it is writable");
    file
}

#[tokio::test]
async fn a_key_set_comes_by_one_get() {
    let (port, server) = answers(ok("{\"keys\":[]}"), None).await;
    let address = format!("http://127.0.0.1:{port}/realms/shop/certs?a=b");
    let came = asked(&address, None).await;
    assert_eq!(came.as_deref(), Ok(&b"{\"keys\":[]}"[..]));
    let head = server.await.expect("no panic");
    assert!(
        head.starts_with("GET /realms/shop/certs?a=b HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("host: 127.0.0.1:{port}\r\n")),
        "{head}"
    );
}

/// row: G4
#[tokio::test]
async fn what_is_no_plain_answer_is_no_key_set_and_redirects_lead_nowhere() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let there = elsewhere.local_addr().expect("an address");
    let redirect = |code: u16| {
        let location = format!("location: http://{there}/keys\r\n");
        format!("HTTP/1.1 {code} Found\r\n{location}content-length: 2\r\n\r\n{{}}").into_bytes()
    };
    let long = "x".repeat(JWKS_BYTES_MAX + 1);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{long}").into_bytes();
    let head = format!("HTTP/1.1 200 OK\r\nx: {long}\r\n\r\n").into_bytes();
    for bytes in [
        redirect(301),
        redirect(302),
        redirect(307),
        redirect(308),
        b"HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n{}".to_vec(),
        b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}".to_vec(), // cut off
        b"SSH-2.0-OpenSSH_9\r\n".to_vec(),
        Vec::new(),
        ok(&long),
        endless,
        head,
    ] {
        let (port, _server) = answers(bytes.clone(), None).await;
        let came = asked(&format!("http://127.0.0.1:{port}/"), None).await;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(came.is_err(), "{text}");
    }
    let nobody = elsewhere.accept().now_or_never();
    assert!(nobody.is_none(), "a redirect was followed");
    let longest = "x".repeat(JWKS_BYTES_MAX);
    let (port, _server) = answers(ok(&longest), None).await;
    let came = asked(&format!("http://127.0.0.1:{port}/"), None).await;
    assert_eq!(came.map(|bytes| bytes.len()), Ok(JWKS_BYTES_MAX));
}

/// row: G4
#[tokio::test]
async fn by_tls_it_answers_whom_its_ca_vouches_for_and_nobody_else() {
    let ca = file(CA);
    let (port, _server) = answers(ok("{}"), Some(tls())).await;
    let came = asked(&format!("https://localhost:{port}/"), Some(ca.path())).await;
    assert_eq!(came.as_deref(), Ok(&b"{}"[..]));
    for (host, ca) in [
        ("localhost", None),            // nobody of the web knows it
        ("127.0.0.1", Some(ca.path())), // its certificate names localhost
    ] {
        let (port, _server) = answers(ok("{}"), Some(tls())).await;
        let came = asked(&format!("https://{host}:{port}/"), ca).await;
        let error = came.expect_err(host);
        assert!(error.starts_with("no TLS: "), "{error}");
    }
}

/// row: X20
#[test]
fn a_ca_that_cannot_be_used_is_named() {
    let broken = CA.replace("MII", "AII");
    let (empty, broken) = (file("nothing"), file(&broken));
    for path in [Path::new("/nowhere/ca.pem"), empty.path(), broken.path()] {
        let refused = Site::new(&provider("https://localhost/", Some(path)));
        let refused = refused.err().expect("it is refused").to_string();
        let named = "configuration: identity.issuers.0.ca ";
        assert!(refused.starts_with(named), "{}: {refused}", path.display());
    }
}
