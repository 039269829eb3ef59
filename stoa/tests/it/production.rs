//! A target under the profile `production`: what it shows to strangers, and to its own admins.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::process::Process;
use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;

use crate::fleet::{Fleet, ready};
use crate::reflection::{VERSIONS, ask};
use crate::shop::{Door, binary, stoa};

const LIST: &str = "catalog.v1.CatalogService/ListProducts";

/// Starts catalog in the place of a fleet's, with its keys and its database; its two addresses.
async fn serve_catalog(fleet: &mut Fleet, more: &[(&str, &str)]) -> (Process, Door, Door) {
    drop(fleet.processes.remove("catalog")); // which ends it
    let at = |name: &str| fleet.data.join(name).display().to_string();
    let user = fleet.door("user").origin;
    let database = format!("sqlite:{}", at("catalog.db"));
    let (page, key, keys) = (at("keys/page.key"), at("keys/catalog.key"), at("keys"));
    let mut variables = vec![
        ("STOA_PROFILE", "production"),
        ("STOA_BIND", "127.0.0.1"),
        ("STOA_PAGE_KEY_FILE", &page),
        ("STOA_SERVICE_TOKENS__KEY_FILE", &key),
        ("STOA_SERVICE_TOKENS__PUBLIC_KEYS", &keys),
        ("STOA_CATALOG__DATABASE_URL", &database),
        ("STOA_PEERS__USER", &user),
        ("STOA_PRE_STOP_SECONDS", "0"),
    ];
    variables.extend(more);
    let arguments = ["serve", "catalog", "--port", "0", "--admin-port", "0"];
    let output = fleet.data.join("production.log");
    let _ = std::fs::remove_file(&output); // that of the one before, if any
    let mut process = Process::start(binary(), arguments, &variables, &output).expect("a program");
    let found = process.wait_for(Duration::from_secs(30), |output| {
        let line = output
            .lines()
            .find(|line| line.contains("Serving catalog"))?;
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| Some(format!("http://{}", line[name].as_str()?));
        Some((text("public")?, text("admin")?))
    });
    let (public, admin) = found.await.expect("it serves");
    ready("catalog", &mut process, &public).await;
    (process, Door::new(public), Door::new(admin))
}

/// row: P20, O8
#[tokio::test]
async fn strangers_see_no_map_and_admins_show_a_token() {
    let mut fleet = Fleet::start().await;
    let (_process, public, admin) = serve_catalog(&mut fleet, &[]).await;
    for version in VERSIONS {
        let list = || MessageRequest::ListServices(String::new());
        let told = ask(&public.origin, version, list()).await;
        assert!(told.is_none(), "{version}: {told:?}");
        let told = ask(&admin.origin, version, list()).await;
        let Some(MessageResponse::ListServicesResponse(list)) = told else {
            panic!("{version}: {told:?}");
        };
        let mut names = list.service.iter().map(|service| &*service.name);
        assert!(names.any(|name| name == "stoa.catalog.v1.CatalogService"));
    }
    for path in ["/metrics", "/build", "/readyz"] {
        assert_eq!(
            admin.get(path).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        for (email, status) in [
            ("operator@stoa.test", StatusCode::FORBIDDEN),
            ("admin@stoa.test", StatusCode::OK),
        ] {
            let person = fleet.gateway.sign_in(email, "stoa-demo").await;
            let mut door = admin.clone();
            door.token = person.door.token;
            assert_eq!(door.get(path).await.status, status, "{path} by {email}");
        }
        let shown = public.get(path).await;
        let text = String::from_utf8_lossy(&shown.bytes).into_owned();
        for inside in ["store_commits_total", "\"target\"", "\"components\""] {
            assert!(!text.contains(inside), "{path} in public: {text}");
        }
    }
}

/// row: X8
#[tokio::test]
async fn faults_want_an_admin_and_a_setting() {
    let mut fleet = Fleet::start().await;
    let file = fleet.data.join("token").display().to_string();
    for (enabled, person, said) in [
        ("false", "admin", Some("faults.enabled")),
        ("true", "nobody", Some("--token-file")),
        ("true", "operator", Some("Admins only")),
        ("true", "admin", None),
    ] {
        let variables = [("STOA_FAULTS__ENABLED", enabled)];
        let (_process, public, admin) = serve_catalog(&mut fleet, &variables).await;
        let port = admin.origin.rsplit(':').next().expect("a port").to_owned();
        let mut set = vec!["fault", "set", "catalog.ListProducts", "--code", "aborted"];
        set.extend(["--admin-port", &port]);
        if person != "nobody" {
            let email = format!("{person}@stoa.test");
            let person = fleet.gateway.sign_in(&email, "stoa-demo").await;
            std::fs::write(&file, person.door.token.expect("a token")).expect("it is written");
            set.extend(["--token-file", &file]);
        }
        let (code, printed) = stoa(&set, &[]).await;
        assert_eq!(code == 0, said.is_none(), "{person}: {printed}");
        assert!(
            printed.contains(said.unwrap_or("catalog")),
            "{person}: {printed}"
        );
        let met = public.call(LIST, json!({})).await;
        let bites = match said {
            None => "aborted",
            Some(_) => "ok",
        };
        assert_eq!(met.code(), bites, "{person}, with faults.enabled {enabled}");
    }
}
