//! Opens what only reads to Connect's GET. The library does so where it builds for Connect alone,
//! and forgets it where it builds for gRPC as well.

use std::collections::BTreeSet;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, MethodDescriptor};

/// How the library has the route of a unary rpc begin, before rustfmt.
const POST: &str = "connectrpc_axum :: tonic :: post_tonic (handler . clone ())";
/// What is added to it.
const GET: &str = ".get(connectrpc_axum::tonic::TonicHandlerWrapper::unary(handler.clone()))";

/// The generated code of one package, with a route by GET for each rpc that only reads.
///
/// # Panics
/// If the library writes routes in another way: then GET would be closed in silence.
pub fn open(pool: &DescriptorPool, package: &str, code: &str) -> String {
    let mut closed: BTreeSet<String> = pool
        .services()
        .filter(|service| service.package_name() == package)
        .flat_map(|service| service.methods().filter(only_reads).collect::<Vec<_>>())
        .map(|rpc| format!("/{}/{}", rpc.parent_service().full_name(), rpc.name()))
        .collect();
    let mut parts = code.split(POST);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let path = part.split('"').find(|literal| literal.starts_with('/'));
        let path = path.expect("a route has a path");
        text.push_str(POST);
        if closed.remove(path) {
            text.push_str(GET);
        }
        text.push_str(part);
    }
    assert!(closed.is_empty(), "no route by GET for {closed:?}");
    text
}

fn only_reads(rpc: &MethodDescriptor) -> bool {
    let options = rpc.method_descriptor_proto().options.as_ref();
    let level = options.map(|options| options.idempotency_level());
    let unary = !rpc.is_client_streaming() && !rpc.is_server_streaming();
    unary && level == Some(IdempotencyLevel::NoSideEffects)
}
