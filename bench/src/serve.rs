//! The servers under test: the same tiny handler behind the whole edge, behind the bare
//! library, and behind plain tonic; the gateway in front of one of them; and the checkout as
//! one would write it by hand.

mod handler;
mod plain;

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use call::{Role, User};
use clap::ValueEnum;
use clock::Clock;
use connectrpc_axum::MakeServiceBuilder;
use edge::{App, Contract, Health, Service};
use peers::{Local, Peers};
use proto::catalog::v1::catalog_service_connect::CatalogServiceTonicCompatibleBuilder;
use proto::catalog::v1::catalog_service_server::CatalogServiceServer;
use serde_json::json;
use serve::Serve;
use token::{AccessClaims, Keys, SigningKey, Verifier};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use uuid::Uuid;

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The edge of this project, everything on: log, metrics, identity, validation.
    Edge,
    /// connectrpc-axum as its documentation shows it, without any of that.
    Bare,
    /// tonic's own server.
    Tonic,
    /// The gateway, passing calls to the upstream.
    Gateway,
    /// The checkout by hand, on the files in the upstream's folder.
    PlainSqlite,
    /// The checkout by hand, on the databases of the upstream's server.
    PlainPostgres,
}

impl Kind {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Bare => "bare",
            Self::Tonic => "tonic",
            Self::Gateway => "gateway",
            Self::PlainSqlite => "plain-sqlite",
            Self::PlainPostgres => "plain-postgres",
        }
    }
}

/// Serves until it is killed. Prints `ADDRESS TOKEN JWKS` first.
///
/// # Errors
/// No port, or a mistake in the program.
pub async fn run(kind: Kind, upstream: Option<String>) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let upstream = || upstream.as_deref().context("it needs an --upstream");
    match kind {
        Kind::PlainSqlite => plain::sqlite(listener, upstream()?).await,
        Kind::PlainPostgres => plain::postgres(listener, upstream()?).await,
        Kind::Edge => {
            let (clock, key) = announce(&listener)?;
            edge(listener, clock, &key).await
        }
        Kind::Gateway => {
            let (clock, key) = announce(&listener)?;
            gateway(listener, clock, &key, upstream()?).await
        }
        Kind::Bare => {
            announce(&listener)?;
            bare(listener).await
        }
        Kind::Tonic => {
            announce(&listener)?;
            tonic(listener).await
        }
    }
}

fn announce(listener: &TcpListener) -> anyhow::Result<(Clock, SigningKey)> {
    let clock = Clock::system();
    let key = SigningKey::generate("bench")?;
    let roles = [Role::parse("customer").context("customers are a role")?];
    let user = User {
        id: clock.id(),
        roles: roles.into_iter().collect(),
        session: None,
    };
    let token = key.sign_access(&AccessClaims::new(user, Uuid::nil(), clock.now()))?;
    let public = key.public();
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": public.kid, "x": public.x(),
    });
    let jwks = json!({"keys": [jwk]}); // without a space
    println!("{} {token} {jwks}", listener.local_addr()?);
    Ok((clock, key))
}

async fn edge(listener: TcpListener, clock: Clock, key: &SigningKey) -> anyhow::Result<()> {
    let builder = CatalogServiceTonicCompatibleBuilder::new().get_product(handler::validated);
    let catalog = Service::new("catalog").mount(builder);
    let app = observed(clock, key)?.service(catalog).build()?;
    serve::serve(listener, app, Serve::default(), CancellationToken::new()).await;
    Ok(())
}

async fn gateway(
    listener: TcpListener,
    clock: Clock,
    key: &SigningKey,
    upstream: &str,
) -> anyhow::Result<()> {
    let address = format!("http://{upstream}").parse();
    let address = address.ok().context("the upstream is no address")?;
    // As a target alone has them: under a key of its own it hands on where a client is.
    let peers = Peers::builder("gateway", clock.clone(), Local::new())
        .contract(Contract::new(proto::DESCRIPTORS)?)
        .signer(Arc::new(SigningKey::generate("gateway")?))
        .at("catalog", address)
        .build();
    let forward = gateway::forward(&peers, ["catalog"].into_iter());
    let app = observed(clock, key)?.forward(forward).build()?;
    serve::serve(listener, app, Serve::default(), CancellationToken::new()).await;
    Ok(())
}

/// An app with log, metrics and identity, as `stoa` puts it together.
fn observed(clock: Clock, key: &SigningKey) -> anyhow::Result<edge::app::Builder> {
    observe()?;
    let people = Keys::fixed([key.public()]);
    let verifier = Verifier::new(clock.clone(), people, Keys::fixed([]), None);
    let contract = Contract::new(proto::DESCRIPTORS)?;
    let health = Health::new(CancellationToken::new());
    // Counted, and never refused.
    let config = edge::Config {
        rate_limit: "1000000000/s".parse()?,
        ..edge::Config::default()
    };
    let builder = App::builder(contract, clock, health);
    Ok(builder.config(config).verifier(verifier))
}

/// Log and metrics of this process, as every process of ours has them.
///
/// # Errors
/// There are some already, of another kind.
pub fn observe() -> anyhow::Result<()> {
    telemetry::init(&telemetry::Config {
        format: telemetry::Format::Json,
        filter: "info".to_owned(),
        service: "bench".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        env: "bench".to_owned(),
    })?;
    telemetry::metrics::install(&[])?;
    Ok(())
}

async fn bare(listener: TcpListener) -> anyhow::Result<()> {
    let builder = CatalogServiceTonicCompatibleBuilder::new().get_product(handler::plain);
    let (connect, grpc) = builder.build();
    let service = MakeServiceBuilder::new()
        .add_router(connect)
        .add_grpc_service(grpc)
        .build();
    #[expect(
        clippy::disallowed_methods,
        reason = "the bare library is served as it says"
    )]
    axum::serve(listener, tower::make::Shared::new(service)).await?;
    Ok(())
}

async fn tonic(listener: TcpListener) -> anyhow::Result<()> {
    let service = CatalogServiceServer::new(handler::Tonic);
    tonic::transport::Server::builder()
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await?;
    Ok(())
}
