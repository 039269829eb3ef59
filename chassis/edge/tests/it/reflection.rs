//! Reflection names what is mounted, to gRPC tools of both versions.

use http::Version;
use prost::Message;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse::FileDescriptorResponse;
use tonic_reflection::pb::{v1, v1alpha};

use crate::client::{Ask, envelope, envelopes};
use crate::server;

/// row: P20
#[tokio::test]
async fn both_versions_list_every_mounted_service() {
    let server = server::start().await;
    let list = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest {
        message_request: Some(list),
        ..Default::default()
    };
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let answer = Ask::new(server.address, Version::HTTP_2, &path)
            .header("content-type", "application/grpc")
            .body(envelope(0, &request.encode_to_vec()))
            .send()
            .await;
        assert_eq!(answer.code(), "ok");
        let (_, bytes) = envelopes(&answer.body).remove(0);
        // Both versions have the same bytes for this message.
        let response = v1alpha::ServerReflectionResponse::decode(&*bytes).unwrap();
        let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(found)) =
            response.message_response
        else {
            panic!("{response:?}");
        };
        let names: Vec<_> = found
            .service
            .into_iter()
            .map(|service| service.name)
            .collect();
        for name in [
            "stoa.catalog.v1.CatalogService",
            "stoa.user.v1.AuthService",
            "grpc.health.v1.Health",
        ] {
            assert!(
                names.iter().any(|known| known == name),
                "{name} in {names:?}"
            );
        }
        assert!(
            !names.iter().any(|name| name.contains("Payment")),
            "not mounted: {names:?}"
        );
    }
}

/// Questions on one stream of Connect, as its own tools ask them; a stream of JSON is refused, since
/// what is told of here are bytes.
///
/// row: P20
#[tokio::test]
async fn reflection_answers_over_connect_as_over_grpc() {
    let server = server::start().await;
    let ask = |symbol: &str| {
        let symbol = symbol.to_owned();
        let question = v1::server_reflection_request::MessageRequest::FileContainingSymbol(symbol);
        let request = v1::ServerReflectionRequest {
            message_request: Some(question),
            ..Default::default()
        };
        envelope(0, &request.encode_to_vec())
    };
    let catalog = ask("stoa.catalog.v1.CatalogService");
    let health = ask("grpc.health.v1.Health");
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let send = |kind: &'static str, questions: &[&[u8]]| {
            Ask::new(server.address, Version::HTTP_2, &path)
                .header("content-type", kind)
                .body(questions.concat())
                .send()
        };
        let told = send("application/connect+proto", &[&catalog, &health]).await;
        assert_eq!(told.code(), "ok");
        assert_eq!(told.header("content-type"), "application/connect+proto");
        assert!(told.trailers.is_empty(), "{:?}", told.trailers);
        let frames = envelopes(&told.body);
        let flags: Vec<u8> = frames.iter().map(|(flags, _)| *flags).collect();
        assert_eq!(flags, [0, 0, 2], "two answers and the end");
        for (file, (_, bytes)) in ["catalog.proto", "health.proto"].iter().zip(&frames) {
            let answer = v1::ServerReflectionResponse::decode(&**bytes).unwrap();
            let Some(FileDescriptorResponse(found)) = answer.message_response else {
                panic!("{file}: {answer:?}");
            };
            let found = &found.file_descriptor_proto[0];
            let mut windows = found.windows(file.len());
            assert!(windows.any(|window| window == file.as_bytes()), "{file}");
        }
        let told = send("application/connect+proto", &[&ask("no.such.Thing")]).await;
        assert_eq!(told.code(), "not_found");
        let told = send("application/connect+json", &[&catalog]).await;
        assert_eq!(told.code(), "unimplemented");
    }
}
