//! Reflection names what is mounted, to gRPC tools of both versions.

use http::Version;
use prost::Message;
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
