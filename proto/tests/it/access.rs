//! Every rpc says who may call it, and how it is bound to HTTP.

use std::collections::BTreeSet;

use prost_reflect::{Kind, MessageDescriptor, Value};

use super::{option, pool, rpcs, text, texts};

const ROLES: [&str; 4] = ["customer", "support", "operator", "admin"];

/// Whether somebody of that name runs: the gateway, or whoever answers the package named for it.
fn is_service(name: &str) -> bool {
    let package = format!("stoa.{name}.v1");
    name == "gateway"
        || pool()
            .services()
            .any(|service| service.package_name() == package)
}

/// row: P10
#[test]
fn every_rpc_has_an_access_rule_that_holds_together() {
    let pool = pool();
    for rpc in rpcs(&pool) {
        let name = rpc.full_name();
        let access = option(&pool, &rpc.options(), "stoa.options.v1.access");
        let access = access.unwrap_or_else(|| panic!("{name} has no access rule"));
        let level = access
            .get_field_by_name("level")
            .unwrap()
            .as_enum_number()
            .unwrap();
        let (roles, services) = (texts(&access, "roles"), texts(&access, "services"));
        for role in &roles {
            assert!(ROLES.contains(&role.as_str()), "{name}: role {role}");
        }
        for service in &services {
            assert!(is_service(service), "{name}: service {service}");
        }
        match level {
            1 => assert!(
                roles.is_empty() && services.is_empty(),
                "{name} is public to all"
            ),
            2 => {}
            3 => assert!(!roles.is_empty(), "{name} admits no role"),
            4 => assert!(
                roles.is_empty() && !services.is_empty(),
                "{name} admits no service"
            ),
            _ => panic!("{name} has no level"),
        }
    }
}

/// The strangers' door is exactly this wide.
///
/// row: G2
#[test]
fn public_rpcs_are_the_eleven_and_the_keys() {
    let pool = pool();
    let is_public = |rpc: &prost_reflect::MethodDescriptor| {
        let access = option(&pool, &rpc.options(), "stoa.options.v1.access").unwrap();
        access.get_field_by_name("level").unwrap().as_enum_number() == Some(1)
    };
    let public: BTreeSet<String> = rpcs(&pool)
        .iter()
        .filter(|rpc| is_public(rpc))
        .map(|rpc| rpc.name().to_owned())
        .collect();
    let expected = [
        "SignUp",
        "SignIn",
        "Refresh",
        "RequestPasswordReset",
        "ResetPassword",
        "GetJwks",
        "ListProducts",
        "GetProduct",
        "GetHome",
        "GetSearchPage",
        "GetProductPage",
        "GetCartPage",
    ];
    assert_eq!(public, expected.map(String::from).into());
}

/// row: P16
#[test]
fn every_rpc_not_internal_and_not_bidi_has_an_http_binding() {
    let pool = pool();
    for rpc in rpcs(&pool) {
        let access = option(&pool, &rpc.options(), "stoa.options.v1.access").unwrap();
        let internal = access.get_field_by_name("level").unwrap().as_enum_number() == Some(4);
        let bidi = rpc.is_client_streaming();
        let bound = option(&pool, &rpc.options(), "google.api.http").is_some();
        assert_eq!(bound, !internal && !bidi, "{}", rpc.full_name());
    }
}

/// Path variables are fields of the request, verbs with a body say which, and no
/// two rpcs share a verb and path.
///
/// row: P16
#[test]
fn http_bindings_fit_their_requests() {
    let pool = pool();
    let mut seen = BTreeSet::new();
    for rpc in rpcs(&pool) {
        let Some(rule) = option(&pool, &rpc.options(), "google.api.http") else {
            continue;
        };
        let name = rpc.full_name();
        let more = rule
            .get_field_by_name("additional_bindings")
            .unwrap()
            .into_owned();
        let more = more
            .as_list()
            .unwrap()
            .iter()
            .map(|rule| rule.as_message().unwrap().clone());
        for rule in std::iter::once(rule.clone()).chain(more) {
            let verbs = ["get", "put", "post", "delete", "patch"];
            let verb = verbs
                .into_iter()
                .find(|verb| !text(&rule, verb).is_empty())
                .unwrap();
            let path = text(&rule, verb);
            assert!(
                seen.insert((verb, path.clone())),
                "{name}: {verb} {path} is taken"
            );
            let body = if matches!(verb, "get" | "delete") {
                ""
            } else {
                "*"
            };
            assert_eq!(text(&rule, "body"), body, "{name}");
            for variable in variables(&path) {
                assert!(resolves(&rpc.input(), &variable), "{name}: {variable}");
            }
        }
    }
}

/// row: P16
#[test]
fn creating_rpcs_say_where_the_new_thing_is() {
    let pool = pool();
    let extension = pool
        .get_extension_by_name("stoa.options.v1.created")
        .unwrap();
    for rpc in rpcs(&pool) {
        let options = rpc.options();
        let created = options.get_extension(&extension);
        let created = created.as_str().unwrap();
        assert_eq!(
            !created.is_empty(),
            rpc.name().starts_with("Create"),
            "{}",
            rpc.full_name()
        );
        for variable in variables(created) {
            assert!(
                resolves(&rpc.output(), &variable),
                "{}: {variable}",
                rpc.full_name()
            );
        }
    }
}

/// Reads may be fetched by GET and cached; nothing that streams is marked so.
///
/// row: P3
#[test]
fn reads_are_marked_free_of_side_effects() {
    use prost_reflect::prost_types::method_options::IdempotencyLevel;

    for rpc in rpcs(&pool()) {
        let options = rpc
            .method_descriptor_proto()
            .options
            .clone()
            .unwrap_or_default();
        let free = options.idempotency_level() == IdempotencyLevel::NoSideEffects;
        let verbs = ["Get", "List", "Check", "Quote", "BatchGet"];
        let reads = verbs.iter().any(|verb| rpc.name().starts_with(verb));
        let streams = rpc.is_server_streaming();
        assert_eq!(free, reads && !streams, "{}", rpc.full_name());
    }
}

/// Each part of a page says whose it is, but for paging and `degraded`.
#[test]
fn parts_of_pages_name_their_source() {
    let pool = pool();
    let pages = pool
        .services()
        .filter(|s| s.full_name().starts_with("stoa.bff."));
    for rpc in pages.flat_map(|service| service.methods().collect::<Vec<_>>()) {
        for field in rpc.output().fields() {
            if matches!(field.name(), "degraded" | "next_page_token") {
                continue;
            }
            let source = option(&pool, &field.options(), "stoa.options.v1.source");
            let source = source.unwrap_or_else(|| panic!("{} has no source", field.full_name()));
            let peer = text(&source, "peer");
            assert!(is_service(&peer), "{}: {peer}", field.full_name());
            let need = source.get_field_by_name("need").unwrap().as_enum_number();
            assert!(need.is_some_and(|need| need > 0), "{}", field.full_name());
        }
    }
}

/// What must never be logged is marked wherever it occurs.
#[test]
fn secrets_are_marked_sensitive() {
    let pool = pool();
    let extension = pool
        .get_extension_by_name("stoa.options.v1.sensitive")
        .unwrap();
    let secret = |message: &MessageDescriptor, name: &str| match name {
        "password" | "current_password" | "email" | "text" => true,
        "access_token" | "refresh_token" | "device_token" | "token" => true,
        "body" => message.name() == "Notification",
        "payment_method" => message.full_name().starts_with("stoa.event."),
        _ => false,
    };
    for message in pool.all_messages() {
        if !message.full_name().starts_with("stoa.") {
            continue;
        }
        for field in message.fields() {
            let marked = field.options().get_extension(&extension).as_bool() == Some(true);
            assert_eq!(
                marked,
                secret(&message, field.name()),
                "{}",
                field.full_name()
            );
        }
    }
}

/// Nobody sends a string, list or page without an upper bound.
///
/// row: P18
#[test]
fn every_text_and_list_of_a_request_is_bounded() {
    let pool = pool();
    for rpc in rpcs(&pool) {
        bounded(&pool, &rpc.input());
    }
}

fn bounded(pool: &prost_reflect::DescriptorPool, message: &MessageDescriptor) {
    for field in message.fields() {
        let rules = option(pool, &field.options(), "buf.validate.field");
        let rule = |name: &str| {
            let rules = rules.as_ref()?;
            rules
                .has_field_by_name(name)
                .then(|| rules.get_field_by_name(name).unwrap().into_owned())
        };
        let name = field.full_name();
        if field.is_list() {
            let list = rule("repeated").unwrap_or_else(|| panic!("{name} has no bound"));
            assert!(
                list.as_message().unwrap().has_field_by_name("max_items"),
                "{name}"
            );
        } else if field.kind() == Kind::String {
            let text = rule("string").unwrap_or_else(|| panic!("{name} has no bound"));
            let closed = ["max_len", "uuid", "pattern", "in"];
            let text: &Value = &text;
            let bounded = closed
                .iter()
                .any(|rule| text.as_message().unwrap().has_field_by_name(rule));
            assert!(bounded, "{name} has no bound");
        }
        if let Kind::Message(inner) = field.kind()
            && inner.full_name().starts_with("stoa.")
        {
            bounded(pool, &inner);
        }
    }
}

/// The variables of a template such as `/v1/orders/{order.id}`.
fn variables(template: &str) -> Vec<String> {
    let parts = template.split('{').skip(1);
    parts
        .map(|part| part.split_once('}').unwrap().0.to_owned())
        .collect()
}

/// Whether the path names a string in the message.
fn resolves(message: &MessageDescriptor, path: &str) -> bool {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(a, b)| (a, Some(b)));
    let Some(field) = message.get_field_by_name(first) else {
        return false;
    };
    match (field.kind(), rest) {
        (Kind::String, None) => true,
        (Kind::Message(inner), Some(rest)) => resolves(&inner, rest),
        _ => false,
    }
}
