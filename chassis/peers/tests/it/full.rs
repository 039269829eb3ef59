//! How many calls and streams there is room for.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;
use tonic::Code;

use crate::server::{STREAM, Server, UNARY, call};

/// Those under way, and those in the line before them.
const PLACES: usize = 400;
const LINE: usize = 256;
/// What is answered at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(4);

/// row: C5
#[tokio::test]
async fn five_hundred_calls_share_four_connections() {
    let metrics = telemetry::metrics::install(&[]).unwrap();
    let server = Server::start().await;
    let channel = server.channel();
    let calls = (0..500).map(|_| async {
        let answer = call(&channel, UNARY, &[("wait", 1)]).await?;
        drop(answer); // and its place with it
        Ok::<_, tonic::Status>(())
    });
    let full = async {
        server.until(|seen| seen.running() == PLACES).await;
        server.gate.add_permits(500);
    };
    let (answered, ()) = tokio::join!(join_all(calls), full);
    let refused = answered.iter().filter(|answer| answer.is_err()).count();
    assert_eq!(refused, 0, "{answered:?}");
    let seen = server.seen();
    assert_eq!((seen.ever, seen.most), (4, 100));
    let text = metrics.render();
    let shown = "rpc_client_connections{peer=\"user\",kind=\"unary\"} 4\n";
    assert!(text.contains(shown), "{text}");
}

/// row: C5
#[tokio::test]
async fn whoever_finds_no_place_in_the_line_is_told_at_once() {
    let server = Server::start().await;
    let channel = server.channel();
    let waiting: Vec<_> = (0..PLACES + LINE)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { call(&channel, UNARY, &[("wait", 1)]).await.map(drop) })
        })
        .collect();
    server.until(|seen| seen.running() == PLACES).await;
    let refused = timeout(AT_ONCE, call(&channel, UNARY, &[])).await.unwrap();
    assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
    // Streams have places of their own, and one of who has left the line is free again.
    let stream = timeout(AT_ONCE, call(&channel, STREAM, &[])).await.unwrap();
    assert_eq!(stream.unwrap().status(), 200);
    waiting.last().unwrap().abort();
    tokio::task::yield_now().await;
    let last = tokio::spawn(async move { call(&channel, UNARY, &[]).await });
    server.gate.add_permits(PLACES + LINE);
    assert_eq!(last.await.unwrap().unwrap().status(), 200);
    for answer in waiting {
        if let Ok(answer) = answer.await {
            answer.unwrap();
        }
    }
}

/// row: C5
#[tokio::test]
async fn ten_thousand_streams_fit_and_are_in_nobodys_way() {
    const STREAMS: usize = 10_000;
    const AT_A_TIME: usize = 500;
    let server = Server::start().await;
    let channel = server.channel();
    let mut open = Vec::new();
    for _ in 0..STREAMS / AT_A_TIME {
        let opening = (0..AT_A_TIME).map(|_| call(&channel, STREAM, &[("stay", 1)]));
        open.extend(join_all(opening).await.into_iter().map(Result::unwrap));
    }
    let seen = server.seen();
    assert_eq!(
        (seen.running(), seen.ever, seen.most),
        (STREAMS, STREAMS / 100, 100)
    );
    let refused = timeout(AT_ONCE, call(&channel, STREAM, &[])).await.unwrap();
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.message(), "too many streams of user are open");
    let called = timeout(AT_ONCE, call(&channel, UNARY, &[])).await.unwrap();
    assert_eq!(called.unwrap().status(), 200);
    assert_eq!(server.seen().ever, STREAMS / 100 + 1);

    // A place comes back with its stream, and a connection that carries none is closed.
    drop(open);
    server.until(|seen| seen.running() == 0).await;
    let again = timeout(AT_ONCE, call(&channel, STREAM, &[])).await.unwrap();
    assert_eq!(again.unwrap().status(), 200);
    assert_eq!(server.seen().ever, STREAMS / 100 + 1, "no other is needed");
    tokio::time::pause();
    server.until(|seen| seen.open == 0).await;
}
