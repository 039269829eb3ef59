//! Keeps sensitive fields out of `Debug`, which is how they would get into logs.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};

use super::rules::{rust_field, rust_type};

/// The messages whose `Debug` is ours, for prost to leave out.
pub fn paths(pool: &DescriptorPool) -> Vec<String> {
    let secretive = pool
        .all_messages()
        .filter(|message| message.fields().any(|field| is_sensitive(pool, &field)));
    secretive
        .map(|message| format!(".{}", message.full_name()))
        .collect()
}

/// `Debug` of the package's messages that have sensitive fields of their own.
pub fn write(pool: &DescriptorPool, package: &str) -> String {
    let messages = pool
        .all_messages()
        .filter(|message| message.package_name() == package)
        .filter(|message| message.fields().any(|field| is_sensitive(pool, &field)));
    messages.map(|message| debug(pool, &message)).collect()
}

fn debug(pool: &DescriptorPool, message: &MessageDescriptor) -> String {
    let mut fields = String::new();
    for field in message.fields() {
        let (label, name) = (field.name(), rust_field(&field));
        let value = if is_sensitive(pool, &field) {
            "&format_args!(\"[redacted]\")".to_owned()
        } else {
            format!("&self.{name}")
        };
        let _ = write!(fields, ".field({label:?}, {value})");
    }
    let name = rust_type(message);
    format!(
        "impl std::fmt::Debug for {name} {{
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{
                formatter.debug_struct({:?}){fields}.finish()
            }}
        }}\n",
        message.name()
    )
}

fn is_sensitive(pool: &DescriptorPool, field: &FieldDescriptor) -> bool {
    let extension = pool.get_extension_by_name("stoa.options.v1.sensitive");
    extension
        .is_some_and(|extension| field.options().get_extension(&extension).as_bool() == Some(true))
}
