//! What goes wrong on purpose is told in each protocol, and what is done is done.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use call::Code;
use faults::{End, Faults, Harm, Injection};
use proto::user::v1::SignUpRequest;

use crate::client::{Answer, Ask, Door};
use crate::server::{self, Options, Server};

const SIGN_UP: &str = proto::user::v1::auth_service::SIGN_UP;

async fn start() -> (Server, Faults) {
    let faults = Faults::default();
    let mut options = Options::default();
    options.config.faults = faults.clone();
    (server::start_with(options).await, faults)
}

fn set(faults: &Faults, delay: Duration, end: Option<End>) {
    let fault = Injection {
        name: "it".to_owned(),
        paths: [SIGN_UP.into()].into(),
        harm: Harm { delay, end },
        percent: 100,
    };
    faults.set(fault, Duration::from_secs(60));
}

async fn sign_up(server: &Server, door: Door) -> Answer {
    let message = SignUpRequest {
        name: "x".to_owned(),
        ..SignUpRequest::default()
    };
    let timeout = match door {
        Door::ConnectJson | Door::ConnectProto => ("connect-timeout-ms", "500"),
        _ => ("grpc-timeout", "500m"),
    };
    let ask = Ask::door(server.address, door, SIGN_UP, &message);
    ask.header(timeout.0, timeout.1).send().await
}

/// row: X8
#[tokio::test]
async fn a_code_is_answered_in_each_protocol_and_nothing_is_done() {
    let (server, faults) = start().await;
    set(&faults, Duration::ZERO, Some(End::Fails(Code::Unavailable)));
    for door in Door::ALL {
        let answer = sign_up(&server, door).await;
        assert_eq!(answer.code(), "unavailable", "{door:?}");
        assert_eq!(answer.says(), "This fault was set on purpose", "{door:?}");
    }
    assert_eq!(server.seen.begun.load(Ordering::SeqCst), 0);
    faults.clear(None);
    assert_eq!(sign_up(&server, Door::Grpc).await.code(), "ok");
}

/// row: X8
#[tokio::test]
async fn a_late_call_is_done_and_a_lost_answer_leaves_its_caller_waiting() {
    let (server, faults) = start().await;
    let begun = Instant::now();
    set(&faults, Duration::from_millis(100), None);
    assert_eq!(sign_up(&server, Door::ConnectJson).await.code(), "ok");
    assert!(begun.elapsed() >= Duration::from_millis(100));
    set(&faults, Duration::ZERO, Some(End::Drops));
    for (number, door) in (2..).zip(Door::ALL) {
        let begun = Instant::now();
        let answer = sign_up(&server, door).await;
        assert_eq!(answer.code(), "deadline_exceeded", "{door:?}");
        assert!(begun.elapsed() >= Duration::from_millis(450), "{door:?}");
        assert_eq!(server.seen.ended.load(Ordering::SeqCst), number, "{door:?}");
    }
    set(&faults, Duration::from_secs(30), None);
    let answer = sign_up(&server, Door::Grpc).await;
    assert_eq!(answer.code(), "deadline_exceeded", "the deadline holds");
}
