//! An edge within the process, with a handler for each kind of rpc that answers at once.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use axum::body::Body;
use bounds::PeerAddress;
use call::{ConnectError, ConnectRequest, ConnectResponse, StreamBody, Streaming};
use edge::{App, Config, Contract, Cors, Health, RateLimit, Service, TrustedProxies};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use proto::order::v1::order_service_connect::OrderServiceTonicCompatibleBuilder;
use proto::order::v1::*;
use proto::support::v1::support_service_connect::SupportServiceTonicCompatibleBuilder;
use proto::support::v1::*;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::tokens::IDENTITIES;

/// One message each way, to change something; one to read; a stream of answers; streams both ways.
pub(crate) const RPCS: [&str; 5] = [
    "/stoa.order.v1.OrderService/CreateOrder",
    "/stoa.order.v1.OrderService/GetOrder",
    "/stoa.order.v1.OrderService/WatchOrderStatus",
    "/stoa.support.v1.SupportService/ChatSession",
    "/grpc.health.v1.Health/Check",
];
/// A bound of our own, so that what is over it is short enough to be found.
const RECEIVE_BYTES_MAX: usize = 16 << 10;
/// The one mistake of a caller that gRPC's specification calls `internal`.
const UNNAMED: &str = "is compressed and no header names the encoding";

/// Whether not even that is let pass: then the corpus breaks, or nobody looks.
static STRICT: LazyLock<bool> = LazyLock::new(|| proof::sabotaged("S-10"));

struct Within {
    app: App,
    runtime: Runtime,
}

static WITHIN: LazyLock<Within> = LazyLock::new(|| {
    let contract = Contract::new(proto::DESCRIPTORS).expect("the contract loads");
    let health = Health::new(CancellationToken::new());
    let mut config = Config {
        rate_limit: RateLimit::Off,
        cors: Cors::new(["https://shop.example"]).expect("it is an origin"),
        proxies: TrustedProxies::new(&["10.0.0.0/8".to_owned()]).expect("it is a network"),
        ..Config::default()
    };
    for service in [
        "stoa.order.v1.OrderService",
        "stoa.support.v1.SupportService",
    ] {
        let limits = &mut config.limits.receive_of;
        limits.insert(service.to_owned(), RECEIVE_BYTES_MAX);
    }
    let app = App::builder(contract, IDENTITIES.clock.clone(), health)
        .config(config)
        .verifier(IDENTITIES.verifier.clone())
        .service(orders())
        .service(support())
        .build();
    Within {
        app: app.expect("the edge finds nothing missing"),
        runtime: Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime"),
    }
});

/// What came back: the code by its name in Connect.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) said: String,
}

/// Sends a request in, as from a proxy of ours, and checks what every answer must keep: it comes, it is whole, it is
/// no error of ours, and it has an id.
pub(crate) fn ask(mut request: Request<Body>) -> Told {
    let peer = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
    request.extensions_mut().insert(PeerAddress(peer));
    let about = format!(
        "{} {} {:?}",
        request.method(),
        request.uri(),
        request.headers()
    );
    let Within { app, runtime } = &*WITHIN;
    let (parts, bytes, trailers) = runtime.block_on(async {
        let (parts, body) = app.handle(request).await.into_parts();
        let body = body.collect().await.expect("an answer is whole");
        let trailers = body.trailers().cloned().unwrap_or_default();
        (parts, body.to_bytes(), trailers)
    });
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // A browser's question before its request is nobody's call.
    let has_id = about.starts_with("OPTIONS ") || parts.headers.contains_key("x-correlation-id");
    assert!(has_id, "{about}");
    assert_eq!(
        parts.headers["x-content-type-options"], "nosniff",
        "{about}"
    );
    let of_a_library = parts.headers.contains_key("accept-encoding");
    assert!(
        !of_a_library,
        "{about}: {} {:?}",
        parts.status, parts.headers
    );
    let code = code(&parts.headers, &trailers, &text);
    let ours = ["internal", "unknown", "data_loss", "13", "2", "15"].contains(&code.as_str());
    let ours = ours || parts.status == StatusCode::INTERNAL_SERVER_ERROR;
    let said = [&trailers, &parts.headers].map(|map| map.get("grpc-message").cloned());
    let said = format!("{said:?}{text}").replace("%20", " ");
    proof::must(
        "S-10",
        !ours || said.contains(UNNAMED) && !*STRICT,
        format_args!("{about}: {} {code} {said}", parts.status),
    );
    for inside in [".rs:", "panicked", "serde", "prost", "expected value"] {
        assert!(!text.contains(inside), "{about}: {text}");
    }
    Told {
        status: parts.status,
        code,
        said: text,
    }
}

/// Wherever its protocol says it.
fn code(headers: &HeaderMap, trailers: &HeaderMap, text: &str) -> String {
    let status = trailers.get("grpc-status").or(headers.get("grpc-status"));
    if let Some(status) = status.and_then(|status| status.to_str().ok()) {
        return status.to_owned();
    }
    let after = |mark: &str| text.split(mark).nth(1).map(str::to_owned);
    if let Some(rest) = after("grpc-status:") {
        return rest
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
    }
    let rest = after("\"code\":\"").unwrap_or_default();
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn orders() -> Service {
    let builder = OrderServiceTonicCompatibleBuilder::new()
        .create_order(create_order)
        .get_order(get_order)
        .watch_order_status(watch_order_status);
    Service::new("order").mount(builder)
}

async fn create_order(
    ConnectRequest(request): ConnectRequest<CreateOrderRequest>,
) -> Result<ConnectResponse<CreateOrderResponse>, ConnectError> {
    drop(edge::valid(request)?);
    Ok(ConnectResponse::new(CreateOrderResponse::default()))
}

async fn get_order(
    ConnectRequest(request): ConnectRequest<GetOrderRequest>,
) -> Result<ConnectResponse<Order>, ConnectError> {
    let id = edge::valid(request)?.into_inner().order_id;
    Ok(ConnectResponse::new(Order {
        id,
        ..Order::default()
    }))
}

type Statuses = BoxStream<'static, Result<WatchOrderStatusResponse, ConnectError>>;

async fn watch_order_status(
    ConnectRequest(request): ConnectRequest<WatchOrderStatusRequest>,
) -> Result<ConnectResponse<StreamBody<Statuses>>, ConnectError> {
    drop(edge::valid(request)?);
    let answers: Statuses = Box::pin(stream::iter([Ok(WatchOrderStatusResponse::default())]));
    Ok(ConnectResponse::new(StreamBody::new(answers)))
}

fn support() -> Service {
    let builder = SupportServiceTonicCompatibleBuilder::new().chat_session(chat_session);
    Service::new("support").mount(builder)
}

type Chat = BoxStream<'static, Result<ChatSessionResponse, ConnectError>>;

/// Answers each message before it takes the next.
async fn chat_session(
    ConnectRequest(incoming): ConnectRequest<Streaming<ChatSessionRequest>>,
) -> Result<ConnectResponse<StreamBody<Chat>>, ConnectError> {
    let answers = incoming.map(|message| message.map(|_| ChatSessionResponse::default()));
    let answers: Chat = Box::pin(answers);
    Ok(ConnectResponse::new(StreamBody::new(answers)))
}
