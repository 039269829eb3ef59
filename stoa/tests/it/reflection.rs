//! Reflection: at the admin listener always, on the serving port in `dev`.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost_reflect::DescriptorPool;
use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorProto;
use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1alpha::{ServerReflectionRequest, ServerReflectionResponse};

use crate::fleet::Fleet;
use crate::shop::Shop;

pub const VERSIONS: [&str; 2] = ["v1", "v1alpha"];
/// What runs in the one process: all of the contract but what is said to be unmounted.
pub fn shown() -> Vec<String> {
    let unmounted = include_str!("../../../proto/unmounted.txt");
    let contract = DescriptorPool::decode(proto::DESCRIPTORS).expect("the contract loads");
    let names = contract
        .services()
        .map(|service| service.full_name().to_owned());
    let mut names: Vec<String> = names
        .filter(|name| unmounted.lines().all(|line| line.trim() != name))
        .collect();
    names.sort_unstable();
    names
}

/// Asks one thing, as grpcurl does; both versions have the same bytes.
pub async fn ask(origin: &str, version: &str, question: MessageRequest) -> Option<MessageResponse> {
    let question = ServerReflectionRequest {
        message_request: Some(question),
        ..Default::default()
    };
    let bytes = question.encode_to_vec();
    let mut body = vec![0];
    body.extend(
        u32::try_from(bytes.len())
            .expect("it is short")
            .to_be_bytes(),
    );
    body.extend(bytes);
    let path = format!("grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
    let request = Request::post(format!("{origin}/{path}"))
        .header("content-type", "application/grpc")
        .body(Full::<Bytes>::from(body));
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let response = client.request(request.expect("it is a request")).await;
    let body = response
        .expect("an answer comes")
        .into_body()
        .collect()
        .await;
    let bytes = body.expect("it is whole").to_bytes();
    let response = ServerReflectionResponse::decode(bytes.get(5..)?).expect("it is an answer");
    response.message_response
}

/// row: P20
#[tokio::test]
async fn both_listeners_list_and_describe_every_service_in_dev() {
    let shop = Shop::up().await;
    lists_and_describes_all([&shop.admin, &shop.door.origin]).await;
}

/// Who asks a gateway needs to know of no other process.
///
/// row: P20
#[tokio::test]
async fn a_gateway_lists_and_describes_what_it_forwards() {
    let mut fleet = Fleet::start().await;
    let admin = fleet.admin("gateway").await;
    lists_and_describes_all([&admin.origin, &fleet.gateway.origin]).await;
}

async fn lists_and_describes_all(origins: [&String; 2]) {
    for origin in origins {
        for version in VERSIONS {
            let list = ask(origin, version, MessageRequest::ListServices(String::new())).await;
            let Some(MessageResponse::ListServicesResponse(list)) = list else {
                panic!("{origin}, {version}: {list:?}");
            };
            let mut names: Vec<String> = list.service.into_iter().map(|found| found.name).collect();
            names.retain(|name| !name.starts_with("grpc.reflection."));
            names.sort_unstable();
            assert_eq!(names, shown(), "{origin}, {version}");
            for name in names {
                let question = MessageRequest::FileContainingSymbol(name.clone());
                let file = ask(origin, version, question).await;
                let Some(MessageResponse::FileDescriptorResponse(file)) = file else {
                    panic!("{origin}, {version}, {name}: {file:?}");
                };
                let described = file.file_descriptor_proto.iter().any(|bytes| {
                    let file = FileDescriptorProto::decode(&bytes[..]).expect("a descriptor");
                    let package = file.package().to_owned();
                    let mut services = file.service.iter();
                    services.any(|service| format!("{package}.{}", service.name()) == name)
                });
                assert!(described, "{origin}, {version}, {name}");
            }
        }
    }
}
