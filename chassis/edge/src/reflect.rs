//! Server reflection, v1 and v1alpha, so that grpcurl, Postman and their kin call
//! everything without a proto file. It names what answers here, and what is answered elsewhere for whoever asks here.

mod connect;

use axum::Router;
use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

use contract::Contract;

/// What this mounts, under the names of gRPC's own contracts.
pub(crate) const SERVICES: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Their one rpc.
const RPC: &str = "ServerReflectionInfo";

/// Adds both versions to `routes` and to `connect`, and their rpcs to the contract, open to
/// everyone.
pub(crate) fn add<'a>(
    contract: Contract,
    routes: Routes,
    connect: Router,
    named: impl Iterator<Item = &'a str> + Clone,
) -> Result<(Contract, Routes, Router), Error> {
    // The pool keeps custom options, which a set that went through prost types has lost.
    let bytes = contract.pool().encode_to_vec();
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(&bytes)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .include_reflection_service(false);
        named
            .clone()
            .fold(builder, |builder, name| builder.with_service_name(name))
    };
    let (v1, v1alpha) = (builder().build_v1()?, builder().build_v1alpha()?);
    let own = Routes::new(v1.clone()).add_service(v1alpha.clone());
    let connect = connect.merge(connect::streams(&SERVICES, own));
    let routes = routes.add_service(v1).add_service(v1alpha);
    let contract = SERVICES.iter().fold(contract, |contract, service| {
        contract.with_open_bidi(service, RPC)
    });
    Ok((contract, routes, connect))
}
