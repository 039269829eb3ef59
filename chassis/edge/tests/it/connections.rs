//! Hostile connections are closed, and others do not notice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use futures::future::join_all;
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::user::v1::auth_service::SIGN_UP;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::ResolvesServerCertUsingSni;
use serve::Serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::client::Ask;
use crate::server::{self, Options};

const IN_TIME: Duration = Duration::from_secs(10);

fn quick() -> Options {
    if proof::sabotaged("S-14") {
        return Options::default();
    }
    let serve = Serve {
        header_timeout: Duration::from_millis(500),
        connections_per_address_max: 20,
        ..Serve::default()
    };
    Options {
        serve,
        ..Options::default()
    }
}

/// How long until the server closes the connection; it may say something first.
async fn closed_after(mut stream: TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    proof::must("S-14", closed.is_ok(), "still open");
    began.elapsed()
}

/// What the rows and the documents name.
///
/// row: S-14, X21
#[test]
fn what_ships_is_ten_seconds_for_a_head_and_thirty_for_a_reader() {
    let shipped = Serve::default();
    let seconds = Duration::from_secs;
    assert_eq!(shipped.header_timeout, seconds(10));
    assert_eq!(shipped.unread_max, seconds(30));
    assert_eq!(shipped.idle_max, seconds(60));
    let caps = (shipped.connections_max, shipped.connections_per_address_max);
    assert_eq!(caps, (10_000, 128));
    let asked = edge::Timeouts::default();
    assert_eq!((asked.default, asked.max), (seconds(10), seconds(30)));
}

/// row: S-14
#[tokio::test]
async fn whoever_does_not_come_to_the_point_is_closed() {
    let server = server::start_with(quick()).await;
    for first in [
        &b""[..],
        b"P",
        b"PRI * HTTP/2.0\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n",
        b"GET / HT",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        let took = closed_after(stream).await;
        assert!(took < Duration::from_secs(3), "{first:?}: {took:?}");
    }
    proof::held("S-14", 5, "3 s");
}

/// TLS is what a listener is given; none of the program's is yet.
///
/// row: S-14
#[tokio::test]
async fn a_handshake_that_is_not_finished_is_closed() {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let nobody = Arc::new(ResolvesServerCertUsingSni::new()); // none comes so far that he is shown one
    let config = config.with_no_client_auth().with_cert_resolver(nobody);
    let mut options = quick();
    options.serve.tls = Some(TlsAcceptor::from(Arc::new(config)));
    let server = server::start_with(options).await;
    // Nothing; half a record's header; a hello of 512 bytes, of which a few come.
    for first in [
        &b""[..],
        b"\x16\x03",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        let took = closed_after(stream).await;
        let waited = Duration::from_millis(400)..Duration::from_secs(3);
        assert!(waited.contains(&took), "{first:?}: {took:?}");
    }
    // Who does not speak TLS is told so at once.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let whole = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(whole).await.unwrap();
    let took = closed_after(stream).await;
    assert!(took < Duration::from_millis(400), "{took:?}");
}

/// row: S-14
#[tokio::test]
async fn a_head_that_comes_a_byte_at_a_time_is_cut_off() {
    let server = server::start_with(quick()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    let mut cut = false;
    for byte in b"GET /healthz HTTP/1.1\r\nx-slow: "
        .iter()
        .chain(std::iter::repeat_n(&b'x', 100))
    {
        if stream.write_all(&[*byte]).await.is_err() {
            cut = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await;
    let over = cut || ended.is_ok();
    proof::must("S-14", over, "a slow head was waited for");
    assert!(began.elapsed() < Duration::from_secs(8));
}

/// row: S-14
#[tokio::test]
async fn a_connection_may_rest_longer_than_a_head_may_take() {
    let mut options = quick();
    options.serve.idle_max = Duration::from_millis(2500);
    let server = server::start_with(options).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let whole = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut buffer = [0; 4096];
    for _ in 0..2 {
        stream.write_all(whole).await.unwrap();
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(900)).await; // rests longer than 500 ms
    }
    stream.write_all(&whole[..20]).await.unwrap();
    let took = closed_after(stream).await;
    assert!(took < Duration::from_secs(2), "half a head: {took:?}");
    let mut resting = TcpStream::connect(server.address).await.unwrap();
    resting.write_all(whole).await.unwrap();
    assert!(resting.read(&mut buffer).await.unwrap() > 0);
    let took = closed_after(resting).await;
    let rest = Duration::from_secs(2)..Duration::from_millis(4500);
    assert!(rest.contains(&took), "{took:?}");
}

/// row: S-14
#[tokio::test]
async fn a_head_that_comes_while_an_answer_is_made_is_not_late() {
    let server = server::start_with(quick()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = r#"{"name":"sleep 1200"}"#;
    let one = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        proto::user::v1::auth_service::SIGN_UP,
        body.len()
    );
    stream.write_all(one.as_bytes()).await.unwrap();
    stream.write_all(one.as_bytes()).await.unwrap();
    let mut answers = String::new();
    let mut buffer = [0; 4096];
    while answers.matches("HTTP/1.1 200").count() < 2 {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "cut after {answers}");
        answers.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}

/// row: S-14, X21
#[tokio::test]
async fn one_address_has_its_share_and_no_more() {
    let server = server::start_with(quick()).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(TcpStream::connect(server.address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut over = TcpStream::connect(server.address).await.unwrap();
    let mut rest = Vec::new();
    let refused =
        tokio::time::timeout(Duration::from_millis(300), over.read_to_end(&mut rest)).await;
    proof::must("S-14", refused.is_ok(), "the 21st is not closed at once");
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = Ask::new(server.address, Version::HTTP_11, "/healthz")
        .method(Method::GET)
        .send()
        .await;
    assert_eq!(answer.status, 200);
}

/// A connection that a client keeps is told to end after its age, give or take a tenth; what it carries ends well.
///
/// row: L6
#[tokio::test]
async fn a_connection_of_http_2_grows_old_and_what_it_carries_ends_well() {
    assert_eq!(Serve::default().age_max, Duration::from_secs(15 * 60));
    let age = Duration::from_secs(2);
    let serve = Serve {
        age_max: age,
        ..Serve::default()
    };
    let options = Options {
        serve,
        ..Options::default()
    };
    let server = server::start_with(options).await;
    let lives = (0..8).map(|number| {
        let address = server.address;
        async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let began = Instant::now();
            let io = TokioIo::new(stream);
            let connected = http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), io);
            let (mut client, connection) = connected.await.unwrap();
            let living = tokio::spawn(connection);
            // Every other one is asked something that is answered when all are old.
            if number % 2 == 0 {
                tokio::time::sleep(age / 2).await;
                let request = Request::post(format!("http://{address}{SIGN_UP}"))
                    .header("content-type", "application/json")
                    .body(Full::from(r#"{"name":"sleep 2500"}"#))
                    .unwrap();
                let answer = client.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
            }
            let ended = tokio::time::timeout(Duration::from_secs(10), living).await;
            ended.expect("it ends").unwrap().unwrap();
            (number, began.elapsed())
        }
    });
    for (number, lived) in join_all(lives).await {
        assert!(lived > age.mul_f64(0.85), "{number}: {lived:?}");
        assert!(lived < age * 4, "{number}: {lived:?}");
    }
}

/// One that is never at rest for long grows old all the same, and nobody's call is lost with it.
///
/// row: L6
#[tokio::test]
async fn a_connection_of_http_1_that_is_kept_grows_old_between_two_calls() {
    let age = Duration::from_secs(2);
    let serve = Serve {
        age_max: age,
        ..Serve::default()
    };
    let options = Options {
        serve,
        ..Options::default()
    };
    let server = server::start_with(options).await;
    let lives = (0..8).map(|number| {
        let address = server.address;
        async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let began = Instant::now();
            let connected = http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await;
            let (mut client, connection) = connected.unwrap();
            let living = tokio::spawn(connection);
            // Every other one is asked again as soon as it has answered, until it says that it was the last time.
            let mut last = false;
            while !last {
                let request = Request::post(SIGN_UP).header("host", "x");
                let request = request.header("content-type", "application/json");
                let body = Full::from(r#"{"name":"sleep 300"}"#);
                let asked = client.send_request(request.body(body).unwrap());
                let answer = timeout(IN_TIME, asked).await.expect("it ends").unwrap();
                assert_eq!(answer.status(), 200);
                last = answer.headers().contains_key("connection") || number % 2 == 1;
                answer.into_body().collect().await.unwrap();
            }
            let ended = timeout(IN_TIME, living).await;
            ended.expect("it ends").unwrap().unwrap();
            (number, began.elapsed())
        }
    });
    // A tenth, a look of so many, and the answer that is in the making; and as much again for a busy machine.
    let lives = timeout(IN_TIME, join_all(lives)).await.expect("they end");
    for (number, lived) in lives {
        assert!(lived > age.mul_f64(0.85), "{number}: {lived:?}");
        assert!(lived < age * 2, "{number}: {lived:?}");
    }
}
