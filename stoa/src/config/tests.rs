//! Configuration as a user gives it, and how it is refused.

mod issuers;

use std::collections::HashMap;
use std::io::Write;

use secrecy::ExposeSecret;

use super::{Config, Error, Profile, Sources};
use crate::services::Target;

fn load(environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, Error> {
    load_file(None, environment, flags)
}

fn load_file(
    file: Option<&str>,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Config, Error> {
    let mut written = tempfile::NamedTempFile::new().expect("temporary file");
    written
        .write_all(file.unwrap_or_default().as_bytes())
        .expect("temporary file is writable");
    let environment: HashMap<_, _> = environment
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let flags = flags
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    Config::load(&Sources {
        file: Some(written.path().to_owned()),
        environment,
        flags,
    })
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let defaults = load(&[], &[]).expect("defaults are valid");
    assert_eq!(defaults.general.profile, Profile::Dev);
    assert_eq!(defaults.general.bind().to_string(), "127.0.0.1");
    assert_eq!(defaults.general.port, None);
    let file = Some("port = 1\nadmin_port = 10\nlog = \"warn\"");
    let from_file = load_file(file, &[], &[]).expect("file is valid");
    assert_eq!(from_file.general.port, Some(1));
    let from_env = load_file(file, &[("STOA_PORT", "2")], &[]).expect("environment is valid");
    assert_eq!(from_env.general.port, Some(2));
    let from_flag =
        load_file(file, &[("STOA_PORT", "2")], &[("port", "3")]).expect("flag is valid");
    assert_eq!(
        (from_flag.general.port, from_flag.general.admin_port),
        (Some(3), Some(10))
    );
    assert_eq!(from_flag.general.log, "warn");
    let lists = load(
        &[(
            "STOA_CORS__ORIGINS",
            "https://a.example, https://b.example:8443",
        )],
        &[],
    );
    assert_eq!(lists.expect("list is valid").general.cors.origins.len(), 2);
    let wait = load(&[("STOA_PRE_STOP_SECONDS", "0.2")], &[]).expect("it is a time");
    let wait = wait.general.pre_stop;
    assert_eq!(wait, Some(std::time::Duration::from_millis(200)));
    let wait = load_file(Some("pre_stop_seconds = 5"), &[], &[]).expect("it is a time");
    assert_eq!(wait.general.pre_stop.map(|wait| wait.as_secs()), Some(5));
    let open = |set: &[_]| load(set, &[]).map(|config| config.general.breaker_open().as_secs());
    assert_eq!(open(&[]).expect("it has a default"), 5);
    let set = [("STOA_BREAKER_OPEN_SECONDS", "7")];
    assert_eq!(open(&set).expect("it is a time"), 7);
    let level = load(&[("LOG_LEVEL", "debug")], &[]).expect("LOG_LEVEL is known");
    assert_eq!(level.general.log, "debug");
}

/// row: X23, X20
#[test]
fn letters_lie_in_the_data_folder_in_dev_and_nowhere_in_production_unless_told() {
    let letters = |set: &[_]| {
        let config = load(set, &[])?;
        let user: &user::Config = config.settings("user");
        let folder = user.mail_folder.as_ref().map(|it| it.display().to_string());
        Ok::<_, Error>((folder, user.shop_url.clone()))
    };
    let own = letters(&[("STOA_DATA", "/here"), ("STOA_PORT", "81")]).expect("it is valid");
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(own, (some("/here/mail"), some("http://localhost:81")));
    let production = ("STOA_PROFILE", "production");
    let key = ("STOA_PAGE_KEY_FILE", "page.key");
    assert_eq!(
        letters(&[production, key]).expect("it is valid"),
        (None, None)
    );
    let folder = ("STOA_USER__MAIL_FOLDER", "/mail");
    let refused = letters(&[production, key, folder]).expect_err("links lead nowhere");
    assert!(refused.to_string().contains("user.shop_url"), "{refused}");
    let shop = ("STOA_USER__SHOP_URL", "https://shop.example");
    let told = letters(&[production, key, folder, shop]).expect("it is valid");
    assert_eq!(told, (some("/mail"), some("https://shop.example")));
}

/// row: X20
#[test]
fn a_wrong_key_or_value_is_named() {
    for (environment, flags, named) in [
        (&[("STOA_PORTS", "1")][..], &[][..], "ports"),
        (&[("STOA_PORT", "eighty")], &[], "port"),
        (&[("STOA_PORT", "70000")], &[], "port"),
        (&[("STOA_PRE_STOP_SECONDS", "-1")], &[], "pre_stop_seconds"),
        (&[("STOA_PRE_STOP_SECONDS", "NaN")], &[], "pre_stop_seconds"),
        (&[("STOA_PRE_STOP_SECONDS", "14")], &[], "pre_stop_seconds"),
        (
            &[("STOA_BREAKER_OPEN_SECONDS", "0")],
            &[],
            "breaker_open_seconds",
        ),
        (
            &[("STOA_BREAKER_OPEN_SECONDS", "1e12")],
            &[],
            "breaker_open_seconds",
        ),
        (&[("STOA_PROFILE", "prod")], &[], "profile"),
        (&[("STOA_BIND", "everywhere")], &[], "bind"),
        (
            &[("STOA_USER__ACCESS_TOKEN_SECOND", "1")],
            &[],
            "access_token_second",
        ),
        (
            &[("STOA_USER__PASSWORD__PASSES", "many")],
            &[],
            "user.password.passes",
        ),
        (
            &[("STOA_PEERS__INVENTORIES", "http://a:1")],
            &[],
            "peers.inventories",
        ),
        (
            &[("STOA_PEERS__INVENTORY", "inventory")],
            &[],
            "peers.inventory",
        ),
        (
            &[("STOA_PEERS__INVENTORY", "static://a:1,b")],
            &[],
            "peers.inventory.url",
        ),
        (
            &[("STOA_PEERS__INVENTORY__TIMEOUT", "5 parsecs")],
            &[],
            "peers.inventory.timeout",
        ),
        (
            &[("STOA_PEERS__INVENTORY__ATTEMPTS", "0")],
            &[],
            "peers.inventory.attempts",
        ),
        (
            &[("STOA_PEERS__INVENTORY__BREAKER", "perhaps")],
            &[],
            "peers.inventory.breaker",
        ),
        (
            &[("STOA_PEERS__INVENTORY__BULKHEAD__CALLS", "0")],
            &[],
            "peers.inventory.bulkhead.calls",
        ),
        (
            &[("STOA_PEERS__INVENTORY__BULKHEAD__PLACES", "1")],
            &[],
            "peers.inventory.bulkhead.places",
        ),
        (
            &[("STOA_PEERS__INVENTORY__RETRIES", "3")],
            &[],
            "peers.inventory.retries",
        ),
        (
            &[
                ("STOA_PEERS__INVENTORY", "http://a:1"),
                ("STOA_PEERS__INVENTORY__URL", "http://b:1"),
            ],
            &[],
            "STOA_PEERS__INVENTORY__URL",
        ),
        (&[("STOA_CORS__ORIGINS", "*")], &[], "cors.origins"),
        (
            &[("STOA_CORS__ORIGINS", "https://shop.example/path")],
            &[],
            "cors.origins",
        ),
        (
            &[("STOA_ORDER__DATABASE_URL", "mysql://x")],
            &[],
            "order.database_url",
        ),
        (
            &[("STOA_ORDER__DATABASE_URL_FILE", "/no/such/file")],
            &[],
            "order.database_url_file",
        ),
        (&[], &[("log_format", "xml")], "log_format"),
        (
            &[("STOA_TRUSTED_PROXIES", "10.0.0.0/8,nowhere")],
            &[],
            "trusted_proxies",
        ),
    ] {
        let error = load(environment, flags).expect_err(named).to_string();
        assert!(error.contains(named), "{named} is not named in: {error}");
    }
    let error = load_file(Some("port = "), &[], &[])
        .expect_err("file does not parse")
        .to_string();
    assert!(error.contains("does not parse"), "{error}");
}

/// Each by itself, from whichever layer.
///
/// row: R3
#[test]
fn a_peer_is_asked_as_is_set() {
    use std::time::Duration;
    const OPEN: Duration = Duration::from_secs(7);
    let text = Some("[peers]\ninventory = \"http://inventory:1\"");
    let usual = load_file(text, &[], &[]).expect("a text is an address");
    let usual = usual.peers["inventory"].clone();
    assert_eq!(usual.timeout, None);
    let usual = usual.policy(OPEN);
    assert_eq!(usual.attempts, 3);
    for environment in [
        &[("STOA_PEERS__RECOMMENDATION", "http://recommendation:1")][..],
        &[
            ("RECOMMENDATION_SERVICE_HOST", "10.0.0.7"),
            ("RECOMMENDATION_SERVICE_PORT", "1"),
        ],
    ] {
        let config = load_file(None, environment, &[]).expect("it is a peer");
        let once = config.peers["recommendation"].policy(OPEN);
        assert_eq!(
            once,
            peers::Policy {
                attempts: 1,
                breaker: usual.breaker.map(|rules| endpoints::BreakerRules {
                    answers: true,
                    ..rules
                }),
                ..usual
            },
            "a page does without it"
        );
    }
    let more = [("STOA_PEERS__RECOMMENDATION__ATTEMPTS", "2")];
    let config = load_file(None, &more, &[]).expect("it is a peer");
    assert_eq!(config.peers["recommendation"].policy(OPEN).attempts, 2);
    let rules = usual.breaker.expect("there is one");
    assert_eq!(rules.open, OPEN);
    assert_eq!(rules.open_first, Duration::from_secs(1));
    assert!(!rules.answers, "what a peer answers may be no fault of its");
    assert_eq!((usual.bulkhead, usual.try_timeout), (None, None));
    assert_eq!(usual.ejection, Some(Duration::from_secs(30)));
    let of = |key: &str, value: &str| {
        let name = format!("STOA_PEERS__INVENTORY__{key}");
        let config = load_file(text, &[(&name, value)], &[]).expect(key);
        let peer = config.peers["inventory"].clone();
        assert!(peer.url.is_some(), "the file says where it is");
        (peer.timeout, peer.policy(OPEN))
    };
    assert_eq!(of("TIMEOUT", "500ms").0, Some(Duration::from_millis(500)));
    assert_eq!(of("TIMEOUT", "off").0, Some(Duration::from_secs(30 * 60)));
    for (key, value, changed) in [
        (
            "ATTEMPTS",
            "2",
            peers::Policy {
                attempts: 2,
                ..usual
            },
        ),
        (
            "ATTEMPTS",
            "off",
            peers::Policy {
                attempts: 1,
                ..usual
            },
        ),
        ("BREAKER", "true", usual),
        (
            "BREAKER",
            "false",
            peers::Policy {
                breaker: None,
                ..usual
            },
        ),
        (
            "EJECTION",
            "off",
            peers::Policy {
                ejection: None,
                ..usual
            },
        ),
        (
            "TRY_TIMEOUT",
            "2",
            peers::Policy {
                try_timeout: Some(Duration::from_secs(2)),
                ..usual
            },
        ),
        (
            "BULKHEAD",
            "true",
            peers::Policy {
                bulkhead: Some(peers::Bulkhead::default()),
                ..usual
            },
        ),
        (
            "BULKHEAD__WAITING",
            "10",
            peers::Policy {
                bulkhead: Some(peers::Bulkhead {
                    waiting_max: 10,
                    ..peers::Bulkhead::default()
                }),
                ..usual
            },
        ),
    ] {
        assert_eq!(of(key, value).1, changed, "{key}={value}");
    }
    let table = "[peers.inventory]\nurl = \"static://a:1,b:1\"\ntimeout = \"5s\"\nattempts = 2\nbreaker = false\n\
        bulkhead = { calls = 10, waiting = 10 }\nejection = 5";
    let config = load_file(Some(table), &[("STOA_PEERS__INVENTORY", "dns://c:1")], &[]);
    let config = config.expect("a table is a peer");
    let peer = &config.peers["inventory"];
    let resolved = matches!(peer.url, Some(endpoints::Source::Resolved(_)));
    assert!(resolved, "the environment wins");
    assert_eq!(peer.timeout, Some(Duration::from_secs(5)));
    let bulkhead = peers::Bulkhead {
        calls_max: 10,
        waiting_max: 10,
    };
    let set = peers::Policy {
        attempts: 2,
        breaker: None,
        bulkhead: Some(bulkhead),
        ejection: Some(Duration::from_secs(5)),
        ..usual
    };
    assert_eq!(peer.policy(OPEN), set);
}

/// row: X20
#[test]
fn production_refuses_what_weakens_sign_in() {
    let production = [("profile", "production"), ("page_key_file", "page.key")];
    load(&[], &production).expect("the defaults are secure");
    for (variable, value, named) in [
        (
            "STOA_USER__PASSWORD__MEMORY_KIB",
            "8",
            "user.password.memory_kib",
        ),
        (
            "STOA_USER__FAILED_SIGN_INS_PER_MINUTE",
            "0",
            "user.failed_sign_ins_per_minute",
        ),
    ] {
        load(&[(variable, value)], &[]).expect("dev takes it");
        let error = load(&[(variable, value)], &production).expect_err(named);
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// What a service refuses of its settings is refused here, before a port is bound or a file opened.
///
/// row: X20
#[test]
fn a_value_that_a_service_refuses_is_named() {
    for (variable, value, expected) in [
        (
            "STOA_USER__PASSWORD__MEMORY_KIB",
            "0",
            "user.password is a cost that argon2 does not allow",
        ),
        (
            "STOA_PRICING__CURRENCY",
            "euro",
            "pricing.currency must be an ISO 4217 code such as EUR",
        ),
        (
            "STOA_PAYMENT__CURRENCY",
            "",
            "payment.currency must be an ISO 4217 code such as EUR",
        ),
        (
            "STOA_ORDER__CALLS_MAX",
            "0",
            "order.calls_max must be 1 to 1024",
        ),
        (
            "STOA_INVENTORY__HOLD_SECONDS",
            "0",
            "inventory.hold_seconds must be 1 to 3600",
        ),
    ] {
        let error = load(&[(variable, value)], &[])
            .expect_err(variable)
            .to_string();
        assert_eq!(error, format!("configuration: {expected}"));
    }
}

/// row: E15
#[test]
fn a_refused_secret_is_not_repeated() {
    let secret = "mysql://stoa:hunter2@db/order";
    let error = load(&[("STOA_ORDER__DATABASE_URL", secret)], &[]).expect_err("engine is unknown");
    assert!(!error.to_string().contains("hunter2"));
    assert!(!format!("{error:?}").contains("hunter2"));
    let config = load(
        &[(
            "STOA_ORDER__DATABASE_URL",
            "postgres://stoa:hunter2@db/order",
        )],
        &[],
    );
    assert!(!format!("{config:?}").contains("hunter2"));
}

/// row: E13, E15
#[test]
fn every_service_has_a_database_of_its_own() {
    let mut file = tempfile::NamedTempFile::new().expect("temporary file");
    writeln!(file, "postgres://stoa:secret@db/payment").expect("temporary file is writable");
    let path = file.path().display().to_string();
    let config = load(
        &[
            ("STOA_ORDER__DATABASE_URL", "postgres://stoa@db/order"),
            ("STOA_ORDER__DATABASE_CONNECTIONS_MAX", "7"),
            ("STOA_PAYMENT__DATABASE_URL_FILE", &path),
            ("STOA_DATA", "elsewhere"),
        ],
        &[],
    )
    .expect("configuration is valid");
    let url = |service| {
        config
            .database(service)
            .expect("database is known")
            .url
            .expose_secret()
            .to_owned()
    };
    assert_eq!(url(order::NAME), "postgres://stoa@db/order");
    assert_eq!(
        config.database(order::NAME).expect("known").connections_max,
        7
    );
    assert_eq!(url(payment::NAME), "postgres://stoa:secret@db/payment");
    assert_eq!(url(user::NAME), "sqlite:elsewhere/user.db");
}

/// What is wrong with an address is said with the key and what to write, and never with what is in it.
///
/// row: E15, X20
#[test]
fn an_address_of_a_database_is_understood_as_it_is_meant_or_refused() {
    let read = |url: &str| load(&[("STOA_ORDER__DATABASE_URL", url)], &[]);
    for (url, words) in [
        ("sqlite::memory:", "lost with the process"),
        ("sqlite://:memory:", "lost with the process"),
        ("sqlite:", "must name a file"),
        ("sqlite:data/", "must name a file"),
        ("sqlite:order.db?mode=rwc", "without `?`"),
        ("sqlite:order#1.db", "without `?`"),
        ("sqlite:my%20order.db", "nothing in it is decoded"),
        ("sqlite:file:order.db", "second scheme"),
        ("sqlite://order.db", "names a host"),
        ("postgres://a:hunter2#3@db/order", "%23"),
        ("postgres://a@db/order#hunter2", "%23"),
        ("postgres://a:1?hunter2@db/order", "%3F"),
        ("postgres://a:1?user=hunter2@db/order", "%3F"),
        (
            "postgres://a:hunter2@db/order?application_name=b",
            "sslmode",
        ),
        ("postgres://a:hunter2@db/order?sslmod=require", "sslmode"),
        (
            "postgres://a:hunter2@db/order?sslmode=hunter2",
            "is not understood",
        ),
        ("postgres://a:hunter2/3@db/order", "%2F"),
    ] {
        let error = read(url).expect_err(url).to_string();
        assert!(error.contains("order.database_url "), "{url}: {error}");
        assert!(error.contains(words), "{url}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    for url in [
        "sqlite:order.db",
        "sqlite:/var/lib/order.db",
        "sqlite:///var/lib/my order.db",
        "postgres://a:hunter2%23%3F@db:5432/order?sslmode=require&options[geqo]=off&options%5Bjit%5D=on",
        "postgresql:///order?host=/run/postgresql",
    ] {
        read(url).expect(url);
    }
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("url");
    std::fs::write(&file, "sqlite::memory:\n").expect("a file");
    let file = file.display().to_string();
    let error = load(&[("STOA_ORDER__DATABASE_URL_FILE", &file)], &[]).expect_err("in memory");
    assert!(
        error.to_string().contains("order.database_url_file"),
        "{error}"
    );
}

/// row: E15, X20
#[test]
fn production_refuses_what_is_missing() {
    let error = load(&[("STOA_PROFILE", "production")], &[]).expect_err("no page key");
    assert!(error.to_string().contains("page_key_file"), "{error}");
    let config = load(
        &[
            ("STOA_PROFILE", "production"),
            ("STOA_PAGE_KEY_FILE", "/keys/page"),
        ],
        &[],
    )
    .expect("files are opened later");
    let error = config.database(order::NAME).expect_err("no database");
    assert!(error.to_string().contains("order.database_url"), "{error}");
    assert_eq!(config.general.bind().to_string(), "0.0.0.0");
    let weak = [
        ("STOA_PROFILE", "production"),
        ("STOA_PAGE_KEY_FILE", "/keys/page"),
        ("STOA_USER__SESSION_DAYS", "90"),
    ];
    let error = load(&weak, &[]).expect_err("sessions are too long");
    assert!(error.to_string().contains("user.session_days"), "{error}");
}

/// row: C10
#[test]
fn peers_come_from_the_environment_and_a_missing_one_is_named() {
    let own = ("STOA_PEERS__INVENTORY", "http://inventory:5004");
    let injected = [
        ("INVENTORY_SERVICE_HOST", "10.0.0.7"),
        ("INVENTORY_SERVICE_PORT", "5004"),
    ];
    let config = load(&injected, &[]).expect("configuration is valid");
    let inventory = |config: &Config| match &config.peers[inventory::NAME].url {
        Some(endpoints::Source::One(address)) => address.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(inventory(&config), "10.0.0.7:5004");
    let sixth = [("INVENTORY_SERVICE_HOST", "fd00::1"), injected[1]];
    let config = load(&sixth, &[]).expect("configuration is valid");
    assert_eq!(inventory(&config), "[fd00::1]:5004");
    let config = load(&[injected[0], injected[1], own], &[]).expect("configuration is valid");
    assert_eq!(inventory(&config), "inventory:5004", "our own name wins");
    let error = config
        .check_peers(Target::named(order::NAME).unwrap())
        .expect_err("three peers are missing");
    assert!(error.to_string().contains("peers.user"), "{error}");
    config
        .check_peers(Target::named(user::NAME).unwrap())
        .expect("user calls nobody");
}
