//! Who is let in, on every protocol, for every rpc that the contract has.

use call::Role;
use edge::Contract;
use http::{Method, Version};
use proto::user::v1::{SignUpRequest, WatchUserRequest};
use uuid::Uuid;

use crate::client::{Ask, Door, envelope};
use crate::server;

/// The business rpcs that need no token, each with its reason, and nothing else.
const PUBLIC: [(&str, &str); 12] = [
    (
        "stoa.user.v1.AuthService/SignUp",
        "nobody has a token before it",
    ),
    (
        "stoa.user.v1.AuthService/SignIn",
        "nobody has a token before it",
    ),
    (
        "stoa.user.v1.AuthService/Refresh",
        "the access token has expired when it is called",
    ),
    (
        "stoa.user.v1.AuthService/RequestPasswordReset",
        "who forgot a password has no token",
    ),
    (
        "stoa.user.v1.AuthService/ResetPassword",
        "the letter's token stands for who reads it",
    ),
    ("stoa.user.v1.AuthService/GetJwks", "public keys are public"),
    (
        "stoa.catalog.v1.CatalogService/ListProducts",
        "strangers browse",
    ),
    (
        "stoa.catalog.v1.CatalogService/GetProduct",
        "strangers browse",
    ),
    ("stoa.bff.web.v1.WebService/GetHome", "strangers browse"),
    (
        "stoa.bff.web.v1.WebService/GetSearchPage",
        "strangers browse",
    ),
    (
        "stoa.bff.web.v1.WebService/GetProductPage",
        "strangers browse",
    ),
    (
        "stoa.bff.web.v1.WebService/GetCartPage",
        "strangers fill a cart before they sign up",
    ),
];

const MOUNTED: [&str; 4] = [
    "stoa.user.v1.AuthService",
    "stoa.user.v1.UserService",
    "stoa.catalog.v1.CatalogService",
    "stoa.support.v1.SupportService",
];

/// row: S-01, G4
#[tokio::test]
async fn every_rpc_wants_a_token_but_those_that_are_listed() {
    let contract = Contract::new(proto::DESCRIPTORS).unwrap();
    let listed = |path: &str| {
        PUBLIC
            .iter()
            .any(|(public, _)| path == format!("/{public}"))
    };
    let public: Vec<_> = contract
        .methods()
        .filter(|method| method.service.starts_with("stoa."))
        .filter(|method| {
            method
                .access
                .as_ref()
                .is_some_and(|access| access.admit(&call::Caller::Anonymous).is_ok())
        })
        .map(|method| method.path.trim_start_matches('/').to_owned())
        .collect();
    assert_eq!(public.len(), PUBLIC.len(), "{public:?}");
    let server = server::start().await;
    for method in contract
        .methods()
        .filter(|method| MOUNTED.contains(&&*method.service))
    {
        let unary = method.is_unary();
        for kind in match unary {
            true => &[
                "application/json",
                "application/proto",
                "application/grpc",
                "application/grpc-web",
            ][..],
            false => &[
                "application/connect+json",
                "application/connect+proto",
                "application/grpc",
                "application/grpc-web",
            ],
        } {
            let framed = !unary || kind.starts_with("application/grpc");
            let body = match (framed, kind.ends_with("json")) {
                (true, true) => envelope(0, b"{}"),
                (true, false) => envelope(0, b""),
                (false, true) => b"{}".to_vec(),
                (false, false) => Vec::new(),
            };
            let answer = Ask::new(server.address, Version::HTTP_2, &method.path)
                .header("content-type", kind)
                .body(body)
                .send()
                .await;
            let code = answer.code();
            match listed(&method.path) {
                true => assert_ne!(code, "unauthenticated", "{} {kind}", method.path),
                false => assert_eq!(code, "unauthenticated", "{} {kind}", method.path),
            }
        }
    }
}

/// row: G2, G3, G4
#[tokio::test]
async fn a_missing_and_a_bad_token_are_told_apart_alike_everywhere() {
    let server = server::start().await;
    let path = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
    for door in Door::ALL {
        let ask = || {
            Ask::door(
                server.address,
                door,
                path,
                &proto::catalog::v1::CreateProductRequest::default(),
            )
        };
        let missing = ask().send().await;
        let bad = ask().header("authorization", "Bearer x.y.z").send().await;
        let basic = ask().header("authorization", "Basic eDp5").send().await;
        for answer in [&missing, &bad, &basic] {
            assert_eq!(answer.code(), "unauthenticated", "{door:?}");
        }
        if door == Door::ConnectJson {
            assert_eq!(missing.status, 401);
            assert_eq!(missing.header("www-authenticate"), "Bearer");
            assert_eq!(missing.json()["message"], "Missing authentication token");
            assert_eq!(bad.json()["message"], "Invalid authentication token");
        }
        let customer = server.token(Uuid::nil(), &[Role::Customer]);
        let denied = ask().header("authorization", &customer).send().await;
        assert_eq!(denied.code(), "permission_denied", "{door:?}");
        let operator = server.token(Uuid::nil(), &[Role::Operator]);
        let allowed = ask().header("authorization", &operator).send().await;
        assert_eq!(allowed.code(), "ok", "{door:?}");
    }
}

/// row: G3
#[tokio::test]
async fn a_bad_token_is_refused_on_public_rpcs_too() {
    let server = server::start().await;
    let path = proto::user::v1::auth_service::SIGN_UP;
    let answer = Ask::door(
        server.address,
        Door::ConnectJson,
        path,
        &SignUpRequest::default(),
    )
    .header("authorization", "Bearer stale")
    .send()
    .await;
    assert_eq!(answer.status, 401);
}

/// row: G5, S-04
#[tokio::test]
async fn identity_headers_say_nothing() {
    let server = server::start().await;
    let path = proto::catalog::v1::catalog_service::CREATE_PRODUCT;
    let answer = Ask::door(
        server.address,
        Door::ConnectJson,
        path,
        &proto::catalog::v1::CreateProductRequest::default(),
    )
    .header("x-user-id", "00000000-0000-0000-0000-000000000000")
    .header("x-roles", "operator,admin")
    .header("x-auth-subject", "service:gateway")
    .send()
    .await;
    assert_eq!(answer.status, 401);
}

/// row: P3, P-06
#[tokio::test]
async fn a_stream_and_a_get_are_guarded_like_every_call() {
    let server = server::start().await;
    let path = proto::user::v1::user_service::GET_PROFILE;
    let get = format!("{path}?connect=v1&encoding=json&message=%7B%7D");
    let answer = Ask::new(server.address, Version::HTTP_11, &get)
        .method(Method::GET)
        .send()
        .await;
    assert_eq!(answer.status, 401);
    let request = serde_json::to_vec(&WatchUserRequest::default()).unwrap();
    let stream = Ask::new(
        server.address,
        Version::HTTP_11,
        proto::user::v1::user_service::WATCH_USER_UPDATES,
    )
    .header("content-type", "application/connect+json")
    .body(envelope(0, &request))
    .send()
    .await;
    assert_eq!(
        (stream.status.as_u16(), stream.code().as_str()),
        (200, "unauthenticated")
    );
}
