//! A server under test: real contracts, with handlers that do as the request says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use call::{
    Call, Code, ConnectError, ConnectRequest, ConnectResponse, Role, Roles, StreamBody, Streaming,
};
use clock::Clock;
use edge::{App, Config, Contract, Health, Limits, Service};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use proto::catalog::v1::catalog_service_connect::CatalogServiceTonicCompatibleBuilder;
use proto::catalog::v1::*;
use proto::support::v1::support_service_connect::SupportServiceTonicCompatibleBuilder;
use proto::support::v1::*;
use proto::user::v1::auth_service_connect::AuthServiceTonicCompatibleBuilder;
use proto::user::v1::user_service_connect::UserServiceTonicCompatibleBuilder;
use proto::user::v1::*;
use serve::Serve;
use token::{AccessClaims, Keys, ServiceClaims, SigningKey, Verifier};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What AuthService reads at most, in bytes.
pub const AUTH_LIMIT: usize = 64 << 10;

pub struct Server {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub draining: CancellationToken,
    pub served: tokio::task::JoinHandle<()>,
    pub health: Health,
    pub seen: Seen,
    pub verifier: Verifier,
    key: SigningKey,
    gateway: SigningKey,
    clock: Clock,
}

/// What happened inside.
#[derive(Clone, Default)]
pub struct Seen {
    /// Handlers that began.
    pub begun: Arc<AtomicUsize>,
    /// Handlers that came to their end.
    pub ended: Arc<AtomicUsize>,
}

pub struct Options {
    pub config: Config,
    pub serve: Serve,
    pub ready: bool,
}

impl Default for Options {
    fn default() -> Self {
        let mut limits = Limits::default();
        limits
            .receive_of
            .insert("stoa.user.v1.AuthService".to_owned(), AUTH_LIMIT);
        let config = Config {
            limits,
            rate_limit: edge::RateLimit::Off,
            reflection: true,
            ..Config::default()
        };
        Self {
            config,
            serve: Serve::default(),
            ready: true,
        }
    }
}

pub async fn start() -> Server {
    start_with(Options::default()).await
}

pub async fn start_with(options: Options) -> Server {
    let clock = Clock::system();
    let key = SigningKey::generate("test").unwrap();
    let gateway = SigningKey::generate("gateway").unwrap();
    let verifier = Verifier::new(
        clock.clone(),
        Keys::fixed([key.public()]),
        Keys::fixed([gateway.public()]),
        Some("shop"),
    );
    let (stop, draining) = (CancellationToken::new(), CancellationToken::new());
    let health = Health::new(draining.clone());
    let seen = Seen::default();
    let ready = options.ready;
    let app = App::builder(
        Contract::new(proto::DESCRIPTORS).unwrap(),
        clock.clone(),
        health.clone(),
    )
    .config(options.config)
    .verifier(verifier.clone())
    .service(auth(seen.clone()))
    .service(catalog())
    .service(user(stop.clone()))
    .service(support().ready("database", move || {
        Box::pin(async move {
            if ready {
                Ok(())
            } else {
                Err("it is away".to_owned())
            }
        })
    }))
    .build()
    .unwrap();
    tokio::spawn(health.clone().run());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(serve::serve(listener, app, options.serve, stop.clone()));
    Server {
        address,
        stop,
        draining,
        served,
        health,
        seen,
        verifier,
        key,
        gateway,
        clock,
    }
}

impl Server {
    pub fn token(&self, id: Uuid, roles: &[Role]) -> String {
        let roles: Roles = roles.iter().copied().collect();
        let user = call::User {
            id,
            roles,
            session: None,
        };
        let claims = AccessClaims::new(user, Uuid::nil(), self.clock.now());
        format!("Bearer {}", self.key.sign_access(&claims).unwrap())
    }
}

impl Server {
    /// What the gateway shows `callee`.
    pub fn service_token(&self, callee: &str) -> String {
        let claims = ServiceClaims::new("gateway", callee, None, self.clock.now());
        format!("Bearer {}", self.gateway.sign_service(&claims).unwrap())
    }
}

impl Server {
    /// What the gateway shows when it acts for this person.
    pub fn service_token_for(&self, id: Uuid) -> String {
        let user = call::User {
            id,
            roles: Roles::default(),
            session: None,
        };
        let claims = ServiceClaims::new("gateway", "shop", Some(user), self.clock.now());
        format!("Bearer {}", self.gateway.sign_service(&claims).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.draining.cancel();
        self.served.abort();
    }
}

fn auth(seen: Seen) -> Service {
    let builder = AuthServiceTonicCompatibleBuilder::new()
        .sign_up(sign_up)
        .with_state(seen);
    Service::new("user").mount(builder)
}

/// Does what the name says: `panic`, `sleep <ms>`, `error`, `big <bytes>`; else answers it.
async fn sign_up(
    State(seen): State<Seen>,
    call: Call,
    ConnectRequest(request): ConnectRequest<SignUpRequest>,
) -> Result<ConnectResponse<SignUpResponse>, ConnectError> {
    seen.begun.fetch_add(1, Ordering::SeqCst);
    let (verb, amount) = request.name.split_once(' ').unwrap_or((&request.name, "0"));
    let amount: u64 = amount.parse().unwrap_or(0);
    let mut name = request.name.clone();
    match verb {
        "panic" => panic!("a secret cause"),
        "sleep" => tokio::time::sleep(Duration::from_millis(amount)).await,
        "big" => name = "x".repeat(usize::try_from(amount).unwrap()),
        "error" => {
            let error = ConnectError::new(Code::FailedPrecondition, "No, thank you");
            return Err(call::Reason::new("stoa.user", "NO")
                .with("why", "test")
                .attach(error));
        }
        "metadata" => {
            call.response
                .header("x-head".parse().unwrap(), "1".parse().unwrap());
            call.response
                .trailer("x-tail".parse().unwrap(), "2".parse().unwrap());
        }
        "valid" => drop(edge::valid(request)?),
        _ => {}
    }
    seen.ended.fetch_add(1, Ordering::SeqCst);
    let user = Some(proto::user::v1::User {
        name,
        ..Default::default()
    });
    Ok(ConnectResponse::new(SignUpResponse {
        user,
        ..SignUpResponse::default()
    }))
}

fn catalog() -> Service {
    let builder = CatalogServiceTonicCompatibleBuilder::new()
        .get_product(get_product)
        .create_product(create_product);
    Service::new("catalog").mount(builder)
}

async fn get_product(
    ConnectRequest(request): ConnectRequest<GetProductRequest>,
) -> Result<ConnectResponse<GetProductResponse>, ConnectError> {
    let id = edge::valid(request)?.into_inner().id;
    if id.starts_with('f') {
        return Err(ConnectError::new(
            Code::NotFound,
            "There is no such product",
        ));
    }
    Ok(ConnectResponse::new(GetProductResponse {
        product: Some(Product {
            id,
            ..Default::default()
        }),
    }))
}

async fn create_product(
    call: Call,
    ConnectRequest(request): ConnectRequest<CreateProductRequest>,
) -> Result<ConnectResponse<CreateProductResponse>, ConnectError> {
    let product = Product {
        sku: request.sku,
        name: call.caller.subject(),
        ..Default::default()
    };
    Ok(ConnectResponse::new(CreateProductResponse {
        product: Some(product),
    }))
}

type Updates = BoxStream<'static, Result<UserUpdate, ConnectError>>;

fn user(stop: CancellationToken) -> Service {
    let builder = UserServiceTonicCompatibleBuilder::new()
        .watch_user_updates(watch_user_updates)
        .with_state(stop);
    Service::new("user").mount(builder)
}

/// Sends two updates and then does what the cursor says: `end`, `error`, `panic`, or waits
/// for the server's stop and ends with a cursor to resume from.
async fn watch_user_updates(
    State(stop): State<CancellationToken>,
    call: Call,
    ConnectRequest(request): ConnectRequest<WatchUserRequest>,
) -> Result<ConnectResponse<StreamBody<Updates>>, ConnectError> {
    let update = |cursor: &str| {
        Ok(UserUpdate {
            cursor: cursor.to_owned(),
            ..Default::default()
        })
    };
    let first = stream::iter([update("1"), update("2")]);
    call.response
        .trailer("x-tail".parse().unwrap(), "2".parse().unwrap());
    let last: Updates = match request.cursor.as_str() {
        "end" => Box::pin(stream::empty()),
        "error" => Box::pin(stream::iter([Err(ConnectError::new(
            Code::Aborted,
            "cut short",
        ))])),
        "panic" => Box::pin(stream::poll_fn(|_| panic!("a secret cause"))),
        _ => Box::pin(stream::once(async move {
            stop.cancelled().await;
            Err(ConnectError::new(Code::Unavailable, "resume after 2"))
        })),
    };
    Ok(ConnectResponse::new(StreamBody::new(Box::pin(
        first.chain(last),
    ))))
}

fn support() -> Service {
    let builder = SupportServiceTonicCompatibleBuilder::new().chat_session(chat_session);
    Service::new("support").mount(builder)
}

type Chat = BoxStream<'static, Result<ChatSessionResponse, ConnectError>>;

/// Answers each message before it takes the next.
async fn chat_session(
    ConnectRequest(mut incoming): ConnectRequest<Streaming<ChatSessionRequest>>,
) -> Result<ConnectResponse<StreamBody<Chat>>, ConnectError> {
    let answers = async_stream::stream! {
        let mut count = 0;
        while let Some(message) = incoming.next().await {
            yield message.map(|_| {
                count += 1;
                ChatSessionResponse { cursor: format!("{count}"), ..Default::default() }
            });
        }
    };
    Ok(ConnectResponse::new(StreamBody::new(Box::pin(answers))))
}
