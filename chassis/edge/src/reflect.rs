//! Server reflection, v1 and v1alpha, so that grpcurl, Postman and their kin call
//! everything without a proto file. It names only what is mounted.

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

use crate::contract::Contract;

/// What this mounts, under the names of gRPC's own contracts.
pub(crate) const SERVICES: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
];

/// Adds both versions to `routes`, and their rpcs to the contract, open to everyone.
pub(crate) fn add(
    contract: Contract,
    routes: Routes,
    mounted: &[&'static str],
) -> Result<(Contract, Routes), Error> {
    // The pool keeps custom options, which a set that went through prost types has lost.
    let bytes = contract.pool().encode_to_vec();
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(&bytes)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .include_reflection_service(false);
        mounted
            .iter()
            .fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let routes = routes
        .add_service(builder().build_v1()?)
        .add_service(builder().build_v1alpha()?);
    let contract = SERVICES.iter().fold(contract, |contract, service| {
        contract.with_open_bidi(service, "ServerReflectionInfo")
    });
    Ok((contract, routes))
}
