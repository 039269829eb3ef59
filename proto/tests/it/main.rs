//! Tests of the contract itself: that the generated code is what the .proto
//! files say, that the .proto files are what the capabilities say, and that
//! JSON and validation behave as promised.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod comments;
mod drift;
mod facts;
mod json;
mod layout;
mod oracle;
mod surface;
mod validation;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};

/// The contract's descriptors, custom options included.
fn pool() -> DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).unwrap());
    POOL.clone() // shares, does not copy
}

/// Every rpc of our own services.
fn rpcs(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let ours = pool
        .services()
        .filter(|s| s.full_name().starts_with("stoa."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// A custom option that is a message, if it is set.
fn option(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name).unwrap();
    options.has_extension(&extension).then(|| {
        options
            .get_extension(&extension)
            .as_message()
            .unwrap()
            .clone()
    })
}

/// A text field of an option.
fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field).unwrap();
    value.as_str().unwrap().to_owned()
}

/// A repeated text field of an option.
fn texts(message: &DynamicMessage, field: &str) -> Vec<String> {
    let value = message.get_field_by_name(field).unwrap();
    let values = value.as_list().unwrap();
    values
        .iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect()
}

/// The folder of this crate.
fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}
