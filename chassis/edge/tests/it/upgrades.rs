//! Connections that became WebSockets: they count, grow old and end as before.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use clock::Clock;
use edge::{App, ConnectionEnding, Contract, Health};
use serve::Serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const CLOSE: u8 = 0x88;
const LONG: Duration = Duration::from_secs(10);

/// Says back what it hears, until the connection should end.
async fn polite(
    upgrade: WebSocketUpgrade,
    Extension(ending): Extension<ConnectionEnding>,
) -> Response {
    upgrade.on_upgrade(|mut socket: WebSocket| async move {
        loop {
            tokio::select! {
                heard = socket.recv() => match heard {
                    Some(Ok(message)) => socket.send(message).await.unwrap(),
                    _ => return,
                },
                () = ending.asked() => {
                    let _ = socket.send(axum::extract::ws::Message::Close(None)).await;
                    return;
                }
            }
        }
    })
}

/// Hears no wish to end.
async fn deaf(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket: WebSocket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            socket.send(message).await.unwrap();
        }
    })
}

struct Live {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

async fn start(serve: Serve) -> Live {
    let pages = Router::new()
        .route("/polite", get(polite))
        .route("/deaf", get(deaf));
    let contract = Contract::new(proto::DESCRIPTORS).unwrap();
    let health = Health::new(CancellationToken::new());
    let app = App::builder(contract, Clock::system(), health).pages(pages);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let served = serve::serve(listener, app.build().unwrap(), serve, stop.clone());
    Live {
        address,
        stop,
        served: tokio::spawn(served),
    }
}

impl Live {
    /// A WebSocket that has said something and heard it. None if the server took no more connections.
    async fn open(&self, path: &str) -> Option<TcpStream> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let _ = socket.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await.ok()?);
        }
        assert!(
            answer.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
        // Masked with zeros: "hi".
        let frame = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
        socket.write_all(&frame).await.unwrap();
        let mut echo = [0; 4];
        timeout(LONG, socket.read_exact(&mut echo))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(echo, [0x81, 2, b'h', b'i']);
        Some(socket)
    }
}

/// The first byte that comes, none if the connection ends without.
async fn next(socket: &mut TcpStream) -> Option<u8> {
    timeout(LONG, socket.read_u8()).await.expect("an end").ok()
}

/// row: S-14
#[tokio::test]
async fn an_upgraded_connection_keeps_its_place() {
    let live = start(Serve {
        connections_max: 1,
        ..Serve::default()
    })
    .await;
    let first = live.open("/polite").await.expect("there is a place");
    assert!(
        live.open("/polite").await.is_none(),
        "the only place is taken"
    );
    drop(first);
    let again = async { while live.open("/polite").await.is_none() {} };
    timeout(LONG, again).await.expect("the place comes back");
}

/// row: L6
#[tokio::test]
async fn an_upgraded_connection_grows_old_and_the_deaf_are_cut() {
    let live = start(Serve {
        age_max: Duration::from_millis(500),
        grace: Duration::from_millis(300),
        ..Serve::default()
    })
    .await;
    let mut polite = live.open("/polite").await.unwrap();
    let mut deaf = live.open("/deaf").await.unwrap();
    assert_eq!(next(&mut polite).await, Some(CLOSE));
    assert_eq!(next(&mut deaf).await, None);
}

/// row: O12
#[tokio::test]
async fn a_stop_ends_upgraded_connections_too() {
    let mut live = start(Serve {
        drain_max: Duration::from_secs(5),
        grace: Duration::from_millis(300),
        ..Serve::default()
    })
    .await;
    let mut polite = live.open("/polite").await.unwrap();
    let mut deaf = live.open("/deaf").await.unwrap();
    let began = Instant::now();
    live.stop.cancel();
    assert_eq!(next(&mut polite).await, Some(CLOSE));
    assert_eq!(next(&mut deaf).await, None);
    timeout(LONG, &mut live.served).await.unwrap().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "nobody had to be cut at last"
    );
}
