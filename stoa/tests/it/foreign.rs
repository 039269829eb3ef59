//! The purchase by clients that are not ours, each from the exported descriptors: grpcio,
//! connect-node over every protocol, and the commands that the welcome prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};
use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;

use crate::fleet::Fleet;
use crate::reflection;
use crate::shop::{Door, Shop};
use crate::wires::{self, Wire};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a crate lies in the workspace")
}

/// Descriptors as `stoa export descriptors` prints them.
fn descriptors(data: &Path) -> PathBuf {
    let output = Command::new(crate::shop::binary())
        .args(["export", "descriptors"])
        .output();
    let output = output.expect("stoa is a program");
    assert!(output.status.success());
    let file = data.with_file_name("stoa.binpb");
    std::fs::write(&file, output.stdout).expect("a file in the test's own folder");
    file
}

/// Whoever has a file of somebody else's already has it by that name, and two names for one message
/// are one too many; and what an error carries is described, so that tools can print it.
///
/// row: P16, P20, P22
#[tokio::test]
async fn exported_descriptors_name_standard_files_as_everybody_does_and_know_what_errors_carry() {
    let shop = Shop::up().await;
    let bytes = std::fs::read(descriptors(&shop.data)).expect("it was written");
    let pool = DescriptorPool::decode(&*bytes).expect("a descriptor set");
    let folders = [
        "stoa/",
        "google/",
        "buf/validate/",
        "grpc/health/v1/health.proto",
    ];
    for file in pool.files() {
        let name = file.name();
        let known = folders.iter().any(|folder| name.starts_with(folder));
        assert!(known, "{name}");
        let package = file.package_name().replace('.', "/");
        assert!(name.starts_with(&package), "{name} is of {package}");
    }
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let create = wires::rpc("order.v1.OrderService/CreateOrder");
    let order = customer.order("MUG-STR-01", 1, "tok_declined");
    let told = Wire::ConnectJson.call(&customer.door, &create, &order, &[]);
    let told = told.await;
    let name = "google.rpc.ErrorInfo";
    let value = told.details.strip_prefix(name.as_bytes());
    let value = value.unwrap_or_else(|| panic!("{told:?}"));
    let info = pool.get_message_by_name(name).expect("it is described");
    let info = DynamicMessage::decode(info, value).expect("it is one");
    let reason = info.get_field_by_name("reason").expect("its field");
    assert!(reason.as_str().is_some_and(|reason| !reason.is_empty()));
    for version in reflection::VERSIONS {
        let question = MessageRequest::FileContainingSymbol(name.to_owned());
        let answer = reflection::ask(&shop.door.origin, version, question).await;
        let known = matches!(answer, Some(MessageResponse::FileDescriptorResponse(_)));
        assert!(known, "{version}: {answer:?}");
    }
}

/// The lines of JSON that a program prints.
async fn lines(mut command: Command) -> Vec<Value> {
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = run.await.expect("no panic").expect("the program is there");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    out.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

const CONFIRMED: i32 = 3;

/// row: P5, P16, P22, P-01
#[tokio::test]
async fn grpcio_buys_from_the_exported_descriptors() {
    let shop = Shop::up().await;
    grpcio_buys(&shop.door, &shop.data).await;
}

/// Every call goes to the gateway, which hands it on as it is.
///
/// row: G1, P5, P-01, C10
#[tokio::test]
async fn grpcio_buys_through_the_gateway_of_seven_processes() {
    let fleet = Fleet::start().await;
    grpcio_buys(&fleet.gateway, &fleet.data).await;
}

async fn grpcio_buys(door: &Door, data: &Path) {
    let address = door.origin.trim_start_matches("http://").to_owned();
    let packages = root().join(".tools/py");
    assert!(
        packages.join("grpc").is_dir(),
        "grpcio is missing: run `just tools`"
    );
    let mut command = Command::new("python3");
    command
        .env("PYTHONPATH", packages)
        .arg(root().join("stoa/tests/clients/purchase.py"))
        .arg(address)
        .arg(descriptors(data));
    let seen = lines(command).await;
    let expected = json!({
        "status": CONFIRMED,
        "replayed": true,
        "watched": CONFIRMED,
        "declined": "FAILED_PRECONDITION",
        "invalid": "INVALID_ARGUMENT",
        "no_token": "UNAUTHENTICATED",
        "late": "DEADLINE_EXCEEDED",
        "unknown": "NOT_FOUND",
    });
    assert_eq!(seen, [expected]);
}

/// What `buf curl` prints to a call that it describes to itself by reflection, in its own protocol
/// and in gRPC's two.
///
/// row: P20, P22
#[tokio::test]
async fn buf_curl_calls_by_reflection_over_every_protocol() {
    let shop = Shop::up().await;
    let buf = root().join("web-client/node_modules/.bin/buf");
    assert!(buf.exists(), "buf is missing: run `just web`");
    let rpc = "stoa.catalog.v1.CatalogService/ListProducts";
    for protocol in ["connect", "grpc", "grpcweb"] {
        for version in ["grpc-v1", "grpc-v1alpha"] {
            let mut command = Command::new(&buf);
            command
                .args(["curl", "--http2-prior-knowledge", "--protocol", protocol])
                .args([
                    "--reflect-protocol",
                    version,
                    "--data",
                    r#"{"pageSize": 1}"#,
                ])
                .arg(format!("{}/{rpc}", shop.door.origin));
            let run = tokio::task::spawn_blocking(move || command.output());
            let output = run.await.expect("no panic").expect("buf runs");
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let products = answer["products"].as_array().map(Vec::len);
            assert_eq!(products, Some(1), "{protocol}, {version}: {output:?}");
        }
    }
}

/// row: P1, P2, P3, P4, P5, P6, P22, P-01
#[tokio::test]
async fn connect_node_buys_over_every_protocol() {
    let shop = Shop::up().await;
    let script = root().join("web-client/e2e/foreign.mjs");
    assert!(
        root()
            .join("web-client/node_modules/@connectrpc/connect-node")
            .is_dir(),
        "connect-node is missing: run `just web`"
    );
    let mut command = Command::new("node");
    command
        .arg(script)
        .arg(&shop.door.origin)
        .arg(descriptors(&shop.data));
    let seen = lines(command).await;
    assert_eq!(seen.len(), 6, "{seen:?}");
    for line in seen {
        let expected = json!({
            "transport": line["transport"],
            "status": CONFIRMED,
            "replayed": true,
            "watched": CONFIRMED,
            "declined": "FailedPrecondition",
            "invalid": "InvalidArgument",
            "noToken": "Unauthenticated",
            "late": "DeadlineExceeded",
            "unknown": "NotFound",
        });
        assert_eq!(line, expected);
    }
}

/// The two lines of curl are run as they stand; what grpcurl would ask is asked where its line
/// says.
///
/// row: X2
#[tokio::test]
async fn the_three_commands_that_the_welcome_prints_work_as_they_stand() {
    let shop = Shop::up().await;
    let welcome = shop.process.output();
    let (after, _) = welcome
        .split_once("  Try:\n")
        .and_then(|(_, after)| after.split_once("\n\n"))
        .expect("commands to try, then an empty line");
    let commands: Vec<&str> = after.lines().map(str::trim).collect();
    let [search, sign_in, list] = commands[..] else {
        panic!("{commands:?}");
    };
    for line in [search, sign_in] {
        assert!(line.starts_with("curl "), "{line}");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{line} --silent --show-error --fail")]);
        let answer = &lines(command).await[0];
        assert!(answer.get("code").is_none(), "{line}: {answer}");
    }
    let address = list
        .strip_prefix("grpcurl -plaintext ")
        .and_then(|rest| rest.strip_suffix(" list"))
        .expect("grpcurl lists what is served");
    let origin = format!("http://{address}");
    let question = MessageRequest::ListServices(String::new());
    let served = reflection::ask(&origin, reflection::VERSIONS[0], question).await;
    let Some(MessageResponse::ListServicesResponse(served)) = served else {
        panic!("{list}: no list");
    };
    assert!(
        served
            .service
            .iter()
            .any(|found| found.name == "stoa.order.v1.OrderService")
    );
}
