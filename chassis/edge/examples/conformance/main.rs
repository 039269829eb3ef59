//! The server under test for the official Connect conformance suite, on the very edge and
//! accept loop that services use. The runner starts it, tells it on stdin what to be, and
//! reads on stdout where it listens. row: X22, P-02

mod service;
mod wkt;

#[expect(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod pb {
    include!(concat!(
        env!("CONFORMANCE_GEN"),
        "/connectrpc.conformance.v1.rs"
    ));
}

use std::error::Error;
use std::io::{Read, Write};
use std::sync::Arc;

use clock::Clock;
use connectrpc_axum::tonic::TonicHandlerWrapper;
use edge::{App, Config, Contract, Encodings, Health, Limits, Service};
use pb::conformance_service_connect::ConformanceServiceTonicCompatibleBuilder;
use pb::conformance_service_server::ConformanceServiceServer;
use prost::Message;
use proto::{Directs, Mounted};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serve::Serve;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;

const SERVICE: &str = "connectrpc.conformance.v1.ConformanceService";
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("CONFORMANCE_GEN"), "/descriptors.bin"));

/// What a receiver reads when the suite names no limit, in bytes.
const RECEIVE_DEFAULT: usize = 4 << 20;

const UNARY: &str = "/connectrpc.conformance.v1.ConformanceService/Unary";
const IDEMPOTENT_UNARY: &str = "/connectrpc.conformance.v1.ConformanceService/IdempotentUnary";

// Here and below, what `proto`'s own generator adds to what the library generates.
impl<T> proto::Limited for ConformanceServiceServer<T> {
    fn limited(self, receive_bytes: usize, send_bytes: usize) -> Self {
        self.max_decoding_message_size(receive_bytes)
            .max_encoding_message_size(send_bytes)
    }

    fn encoding(self, encoding: CompressionEncoding) -> Self {
        self.accept_compressed(encoding).send_compressed(encoding)
    }
}

impl proto::Mount for ConformanceServiceTonicCompatibleBuilder {
    type Server = ConformanceServiceServer<pb::ConformanceTonicService>;

    fn mount(self) -> Mounted<Self::Server> {
        let mut direct = Directs::default();
        let mut built = self.with_state::<()>(());
        built.unary = direct.share(UNARY, built.unary);
        built.idempotent_unary = direct.share(IDEMPOTENT_UNARY, built.idempotent_unary);
        let (routes, server) = built.build();
        Mounted {
            routes,
            server,
            direct,
        }
    }
}

fn app(receive: usize) -> Result<App, Box<dyn Error>> {
    let mut handlers = ConformanceServiceTonicCompatibleBuilder::new()
        .unary(service::unary)
        .idempotent_unary(service::idempotent_unary)
        .client_stream(service::client_stream)
        .server_stream(service::server_stream)
        .bidi_stream(service::bidi_stream);
    let by_get = axum::routing::get(TonicHandlerWrapper::unary(service::idempotent_unary));
    handlers.router = handlers.router.route(IDEMPOTENT_UNARY, by_get);
    let service = Service::new("conformance").mount(handlers);
    let limits = Limits {
        receive,
        ..Limits::default()
    };
    let config = Config {
        limits,
        encodings: Encodings::Every,
        rate_limit: edge::RateLimit::Off,
        ..Config::default()
    };
    let contract = Contract::new(DESCRIPTORS)?.open(SERVICE);
    let health = Health::new(CancellationToken::new());
    Ok(App::builder(contract, Clock::system(), health)
        .config(config)
        .service(service)
        .build()?)
}

fn tls(
    request: &pb::ServerCompatRequest,
) -> Result<Option<tokio_rustls::TlsAcceptor>, Box<dyn Error>> {
    let Some(creds) = request.server_creds.as_ref().filter(|_| request.use_tls) else {
        return Ok(None);
    };
    let certs = CertificateDer::pem_slice_iter(&creds.cert).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(&creds.key)?;
    let config = rustls::ServerConfig::builder();
    let config = if request.client_tls_cert.is_empty() {
        config.with_no_client_auth()
    } else {
        let mut roots = rustls::RootCertStore::empty();
        for cert in CertificateDer::pem_slice_iter(&request.client_tls_cert) {
            roots.add(cert?)?;
        }
        let clients = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
        config.with_client_cert_verifier(clients)
    };
    let mut config = config.with_single_cert(certs, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Arc::new(config).into()))
}

fn read_request() -> Result<pb::ServerCompatRequest, Box<dyn Error>> {
    let mut size = [0; 4];
    let mut stdin = std::io::stdin().lock();
    stdin.read_exact(&mut size)?;
    let mut message = vec![0; u32::from_be_bytes(size) as usize];
    stdin.read_exact(&mut message)?;
    Ok(pb::ServerCompatRequest::decode(&message[..])?)
}

fn write_response(response: &pb::ServerCompatResponse) -> Result<(), Box<dyn Error>> {
    let message = response.encode_to_vec();
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&u32::try_from(message.len())?.to_be_bytes())?;
    stdout.write_all(&message)?;
    Ok(stdout.flush()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let request = read_request()?;
    let receive = match request.message_receive_limit {
        0 => RECEIVE_DEFAULT,
        limit => limit as usize,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    // The suite opens as many connections as it has cases under way, all from one address.
    let config = Serve {
        tls: tls(&request)?,
        connections_per_address_max: 10_000,
        ..Serve::default()
    };
    write_response(&pb::ServerCompatResponse {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr()?.port().into(),
        pem_cert: request
            .server_creds
            .filter(|_| request.use_tls)
            .unwrap_or_default()
            .cert,
    })?;
    let stop = CancellationToken::new();
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stopping = stop.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        stopping.cancel();
    });
    serve::serve(listener, app(receive)?, config, stop).await;
    Ok(())
}
