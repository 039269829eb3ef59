//! What is made of an answer: whether the peer failed by it, and when it may be asked again.

use std::time::Duration;

use clock::Clock;
use endpoints::BreakerRules;
use peers::{Channel, Policy};
use tonic::Code;

use crate::failing::{MUTATING, code, way};
use crate::server::{Server, UNARY, call};

/// More than what opens a breaker.
const MANY: usize = 10;
const SLOW: &[(&str, usize)] = &[("millis", 60_000)];

/// As between our services: only who cannot be reached fails.
fn forgiving() -> Policy {
    let rules = BreakerRules {
        answers: false,
        ..BreakerRules::default()
    };
    Policy {
        breaker: Some(rules),
        ..Policy::default()
    }
}

/// Who says when to come back is not asked sooner, and his word reaches whoever asked.
///
/// row: X7
#[tokio::test]
async fn a_peer_that_says_when_to_come_back_is_not_asked_again_at_once() {
    let server = Server::start().await;
    let channel = way(&server, Policy::default());
    server.answers([], Code::Unavailable);
    let told = call(&channel, UNARY, &[("after", 7)]).await.unwrap();
    assert_eq!(told.headers()["grpc-status"], "14");
    assert_eq!(told.headers()["retry-after"], "7");
    assert_eq!(server.seen().keys.len(), 1, "it was asked once");
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);
    assert_eq!(server.seen().keys.len(), 4, "without such a word thrice");
}

/// A fault that one client or a peer further on can make takes nobody else the peer; one that breaks does.
///
/// row: R1
#[tokio::test]
async fn only_who_cannot_be_reached_fails_where_answers_count_for_nothing() {
    let server = Server::start().await;
    let of_tries = Policy {
        try_timeout: Some(Duration::from_millis(50)),
        ..forgiving()
    };
    let peers = server.peers("user", Clock::system());
    let of_calls = peers.policy("user", forgiving());
    let of_calls = of_calls.timeout("user", Duration::from_millis(100)).build();
    for channel in [way(&server, of_tries), of_calls.channel("user")] {
        server.answers([], Code::Internal);
        for _ in 0..MANY {
            assert_eq!(code(&channel, UNARY, &[]).await, Code::Internal);
        }
        for _ in 0..MANY {
            assert_eq!(code(&channel, UNARY, SLOW).await, Code::DeadlineExceeded);
        }
        server.answers([], Code::Ok);
        assert_eq!(code(&channel, UNARY, &[]).await, Code::Ok, "it is closed");
    }
    let channel = way(&server, forgiving());
    for _ in 0..5 {
        broken(&server, &channel).await;
    }
    let before = server.seen().keys.len();
    assert_eq!(code(&channel, UNARY, &[]).await, Code::Unavailable);
    assert_eq!(server.seen().keys.len(), before, "it is left alone");
}

/// A call that may not be repeated, and whose connection breaks under it.
async fn broken(server: &Server, channel: &Channel) {
    let before = server.seen().keys.len();
    let call = code(channel, MUTATING, &[("wait", 1)]);
    let cut = async {
        server.until(|seen| seen.keys.len() > before).await;
        server.cut();
    };
    let (code, ()) = tokio::join!(call, cut);
    assert_eq!(code, Code::Unavailable);
}
