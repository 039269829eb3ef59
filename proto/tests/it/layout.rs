//! Where things are: packages, folders, field numbers, and what buf says.

use std::process::Command;

use super::{home, pool};

/// row: P15
#[test]
fn the_package_is_the_folder() {
    for file in pool().files() {
        if file.package_name().starts_with("stoa.") {
            let folder = file.name().rsplit_once('/').unwrap().0;
            assert_eq!(
                folder.replace('/', "."),
                file.package_name(),
                "{}",
                file.name()
            );
        }
    }
}

/// Services stand in `<context>.proto`, what several rpcs share in `types.proto`.
///
/// row: P15
#[test]
fn services_and_types_stand_in_their_files() {
    for file in pool().files() {
        let Some(context) = file.package_name().strip_prefix("stoa.") else {
            continue;
        };
        if context.starts_with("event.") || context.starts_with("options.") {
            continue;
        }
        let context = context.trim_end_matches(".v1").rsplit('.').next().unwrap();
        let name = file.name().rsplit('/').next().unwrap();
        let expected = format!("{context}.proto");
        assert!(name == "types.proto" || name == expected, "{}", file.name());
        assert_eq!(
            file.services().count() > 0,
            name == expected,
            "{}",
            file.name()
        );
        for message in file.messages() {
            let own = message.name().ends_with("Request") || message.name().ends_with("Response");
            assert_eq!(own, name == expected, "{}", message.full_name());
        }
    }
}

/// Fields are numbered from 1 in the order written, without gaps.
///
/// row: P12
#[test]
fn numbers_follow_the_order_written() {
    for message in pool().all_messages() {
        if !message.full_name().starts_with("stoa.") {
            continue;
        }
        let fields = &message.descriptor_proto().field;
        let numbers: Vec<i32> = fields.iter().map(|field| field.number()).collect();
        let expected: Vec<i32> = (1..).take(fields.len()).collect();
        assert_eq!(numbers, expected, "{}", message.full_name());
    }
}

/// row: P12
#[test]
fn numbers_that_others_rely_on() {
    let pool = pool();
    let number = |message: &str, field: &str| {
        let message = pool.get_message_by_name(message).unwrap();
        message.get_field_by_name(field).unwrap().number()
    };
    assert_eq!(number("stoa.user.v1.User", "updated_at"), 6);
    assert_eq!(number("stoa.order.v1.Order", "end_reason"), 6);
    assert_eq!(
        number("stoa.order.v1.CreateOrderRequest", "payment_method"),
        3
    );
    assert_eq!(
        number("stoa.order.v1.WatchOrderStatusResponse", "cursor"),
        6
    );
    assert_eq!(number("stoa.payment.v1.ProcessPaymentRequest", "amount"), 4);
    assert_eq!(number("stoa.pricing.v1.Money", "minor_units"), 2);
    assert_eq!(number("stoa.event.v1.Event", "data"), 10);
    let status = pool.get_enum_by_name("stoa.order.v1.OrderStatus").unwrap();
    let names: Vec<String> = status
        .values()
        .map(|value| value.name().to_owned())
        .collect();
    let bare = [
        "UNSPECIFIED",
        "PENDING",
        "PAID",
        "CONFIRMED",
        "CANCELLING",
        "CANCELLED",
        "REJECTED",
    ];
    assert_eq!(names, bare.map(|name| format!("ORDER_STATUS_{name}")));
}

fn buf(arguments: &[&str]) -> (bool, String) {
    let buf = home().join("../web-client/node_modules/.bin/buf");
    assert!(
        buf.exists(),
        "run `npm ci` in web-client: buf comes from there"
    );
    let output = Command::new(buf)
        .args(arguments)
        .current_dir(home())
        .output()
        .unwrap();
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.success(), text)
}

/// row: P11
#[test]
fn buf_lint_is_clean() {
    let (clean, output) = buf(&["lint"]);
    assert!(clean, "{output}");
}

/// The contract breaks nobody; a renumbered field, a dropped rpc and a changed
/// type each do, and say by which rule.
///
/// row: P10, P12, P13
#[test]
fn buf_breaking_knows_a_break() {
    let folder = tempfile::tempdir().unwrap();
    let breaking = |edit: &dyn Fn(String) -> String| {
        let copy = folder.path().join("proto");
        let _ = std::fs::remove_dir_all(&copy);
        for (name, content) in sources() {
            let file = copy.join(&name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let edited = if name == "stoa/order/v1/order.proto" {
                edit(content)
            } else {
                content
            };
            std::fs::write(file, edited).unwrap();
        }
        let image = folder.path().join("image.binpb");
        let (image, copy) = (image.to_str().unwrap(), copy.to_str().unwrap());
        let (built, output) = buf(&["build", copy, "-o", image]);
        assert!(built, "{output}");
        buf(&[
            "breaking",
            image,
            "--against",
            "baseline.binpb",
            "--exclude-imports",
            "--error-format=json",
        ])
    };
    let (same, output) = breaking(&|text| text);
    assert!(same, "{output}");
    for (rule, from, to) in [
        (
            "FIELD_NO_DELETE",
            "string order_id = 1 [",
            "string order_id = 100 [",
        ),
        ("FIELD_SAME_TYPE", "int32 total_size", "int64 total_size"),
        (
            "RPC_NO_DELETE",
            "rpc GetOrderTimeline(",
            "rpc GetOrderHistory(",
        ),
    ] {
        let (same, output) = breaking(&|text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        assert!(!same, "{rule} went unnoticed");
        assert!(output.contains(rule), "{rule} is not in {output}");
    }
}

/// buf's configuration and every .proto file, by path.
fn sources() -> Vec<(String, String)> {
    let mut found = vec![home().join("buf.yaml")];
    let mut folders = vec![home().join("stoa"), home().join("third_party")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "proto")
            {
                found.push(path);
            }
        }
    }
    let read = |path: std::path::PathBuf| {
        let name = path
            .strip_prefix(home())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    found.into_iter().map(read).collect()
}
