//! What the libraries do not generate: rpc paths as constants, one way to
//! configure any tonic server, and the topics of facts.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ServiceDescriptor, Value};

/// The extra code of one package.
pub fn write(pool: &DescriptorPool, package: &str) -> String {
    let mut text = String::new();
    for service in pool.services().filter(|s| s.package_name() == package) {
        text.push_str(&paths(&service));
        text.push_str(&limited(&service));
        text.push_str(&mount(&service));
    }
    for message in pool.all_messages().filter(|m| m.package_name() == package) {
        if let Some(option) = fact_option(pool, &message) {
            text.push_str(&fact(&message, &option));
        }
    }
    text
}

/// `order_service::CREATE_ORDER`, so that nobody types a path.
fn paths(service: &ServiceDescriptor) -> String {
    let (name, full) = (service.name(), service.full_name());
    let mut text = format!(
        "\n/// The name and the rpc paths of `{full}`.\npub mod {} {{\n\
         /// The service's full name.\npub const NAME: &str = \"{full}\";\n",
        snake(name)
    );
    for method in service.methods() {
        let rpc = method.name();
        let constant = snake(rpc).to_uppercase();
        let _ = write!(
            text,
            "/// The path of `{rpc}`.\npub const {constant}: &str = \"/{full}/{rpc}\";\n"
        );
    }
    text.push_str("}\n");
    text
}

fn limited(service: &ServiceDescriptor) -> String {
    let name = service.name();
    let server = format!("{}_server::{name}Server", snake(name));
    format!(
        "impl<T> crate::server::Limited for {server}<T> {{
            fn limited(self, receive_bytes: usize, send_bytes: usize) -> Self {{
                self.max_decoding_message_size(receive_bytes).max_encoding_message_size(send_bytes)
            }}
            fn encoding(self, encoding: tonic::codec::CompressionEncoding) -> Self {{
                self.accept_compressed(encoding).send_compressed(encoding)
            }}
        }}\n"
    )
}

/// What both builders come to: the one that was given its state, and the one that needs none.
fn mount(service: &ServiceDescriptor) -> String {
    let (name, module) = (service.name(), snake(service.name()));
    let bare = name.strip_suffix("Service").unwrap_or(name);
    let builder = format!("{module}_connect::{bare}ServiceTonicCompatible");
    let server = format!("{module}_server::{name}Server<{bare}TonicService>");
    let mut shared = String::new();
    for rpc in service.methods() {
        if rpc.is_client_streaming() || rpc.is_server_streaming() {
            continue;
        }
        let (field, constant) = (snake(rpc.name()), snake(rpc.name()).to_uppercase());
        let _ = writeln!(
            shared,
            "self.{field} = direct.share({module}::{constant}, self.{field}.take());"
        );
    }
    format!(
        "impl crate::server::Mount for {builder}ServerBuilder<()> {{
            type Server = {server};
            fn mount(mut self) -> crate::server::Mounted<Self::Server> {{
                let mut direct = crate::server::Directs::default();
                {shared}
                let (routes, server) = self.build();
                crate::server::Mounted {{ routes, server, direct }}
            }}
        }}
        impl crate::server::Mount for {builder}Builder<()> {{
            type Server = {server};
            fn mount(self) -> crate::server::Mounted<Self::Server> {{
                self.with_state::<()>(()).mount()
            }}
        }}\n"
    )
}

fn fact_option(pool: &DescriptorPool, message: &MessageDescriptor) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name("stoa.options.v1.fact")?;
    let options = message.options();
    if !options.has_extension(&extension) {
        return None;
    }
    match options.get_extension(&extension).into_owned() {
        Value::Message(option) => Some(option),
        _ => None,
    }
}

fn fact(message: &MessageDescriptor, option: &DynamicMessage) -> String {
    let text = |name: &str| {
        let value = option.get_field_by_name(name);
        let value = value.as_deref().and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let (topic, key) = (text("topic"), text("key"));
    let event_type = topic.replace('.', "_").to_uppercase();
    let key = match key.split_once('.') {
        None => format!("&self.{key}"),
        Some((outer, inner)) => format!("self.{outer}.as_ref().map_or(\"\", |it| &it.{inner})"),
    };
    format!(
        "impl crate::fact::Fact for {} {{
            const TOPIC: &'static str = \"{topic}\";
            const EVENT_TYPE: &'static str = \"{event_type}\";
            fn key(&self) -> &str {{ {key} }}
        }}\n",
        message.name()
    )
}

/// `UserAdminService` as `user_admin_service`.
pub fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for (at, character) in name.char_indices() {
        if character.is_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
