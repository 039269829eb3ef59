//! Who does not read what he asked for.

use std::time::Duration;

use futures::future::join_all;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::server::{STREAM, Server, UNARY, call};

/// More than a peer may send ahead of a reader on any stream.
const UNREAD: usize = 1 << 20;
const READ: usize = 4 << 20;
const IN_TIME: Duration = Duration::from_secs(4);

/// The last place of a connection whose other answers are asked for and not read.
async fn others_do_not_read(rpc: &str) {
    let server = Server::start().await;
    let channel = server.channel();
    let unread = (0..99).map(|_| call(&channel, rpc, &[("bytes", UNREAD), ("stay", 1)]));
    let unread: Vec<_> = join_all(unread)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let read = call(&channel, rpc, &[("bytes", READ)]).await.unwrap();
    let read = timeout(IN_TIME, read.into_body().collect()).await;
    let read = read.expect("it comes while others do not read").unwrap();
    assert_eq!(read.to_bytes().len(), READ);
    assert_eq!(server.seen().ever, 1, "all of it over one connection");
    drop(unread);
}

/// row: C5
#[tokio::test]
async fn a_stream_that_nobody_reads_holds_back_no_other() {
    others_do_not_read(STREAM).await;
}

/// row: C5
#[tokio::test]
async fn an_answer_that_nobody_reads_holds_back_no_other() {
    others_do_not_read(UNARY).await;
}
