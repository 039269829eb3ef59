//! A panic is an error of its call, and of nothing else.

use http::Version;
use proto::user::v1::{SignUpRequest, WatchUserRequest};
use rpc::Role;
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::server;

/// row: O-06, C8, C9
#[tokio::test]
async fn a_panic_is_internal_and_says_no_more() {
    let server = server::start().await;
    for door in Door::ALL {
        let path = proto::user::v1::auth_service::SIGN_UP;
        let request = SignUpRequest {
            name: "panic".to_owned(),
            ..Default::default()
        };
        let answer = Ask::door(server.address, door, path, &request).send().await;
        assert_eq!(answer.code(), "internal", "{door:?}");
        assert!(!answer.header("x-correlation-id").is_empty());
        assert!(!format!("{answer:?}").contains("secret"), "{door:?}");
    }
    let token = server.token(Uuid::from_u128(1), &[Role::Customer]);
    for kind in [
        "application/connect+proto",
        "application/grpc",
        "application/grpc-web",
    ] {
        let path = proto::user::v1::user_service::WATCH_USER_UPDATES;
        let request = WatchUserRequest {
            user_id: Uuid::from_u128(1).to_string(),
            cursor: "panic".to_owned(),
            ..Default::default()
        };
        let answer = Ask::new(server.address, Version::HTTP_2, path)
            .header("content-type", kind)
            .header("authorization", &token)
            .body(envelope(0, &prost::Message::encode_to_vec(&request)))
            .send()
            .await;
        assert_eq!(answer.code(), "internal", "{kind}");
        assert!(!format!("{answer:?}").contains("secret"), "{kind}");
    }
}
