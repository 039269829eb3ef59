//! Log lines as they leave the process.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use telemetry::{AccessLine, Config, Format};
use tracing::field::Field;
use tracing_subscriber::layer::{Context, SubscriberExt};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("sink lives").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn config(format: Format, filter: &str) -> Config {
    Config {
        format,
        filter: filter.to_owned(),
        service: "stoa".to_owned(),
        version: "1.2.3".to_owned(),
        env: "dev".to_owned(),
    }
}

fn written(format: Format, filter: &str, act: impl FnOnce()) -> String {
    let sink = Sink::default();
    let subscriber = telemetry::log::subscriber(&config(format, filter), Box::new(sink.clone()));
    let subscriber = subscriber.expect("filter is valid");
    tracing::subscriber::with_default(subscriber, act);
    let bytes = sink.0.lock().expect("sink lives").clone();
    String::from_utf8(bytes).expect("lines are UTF-8")
}

fn json(filter: &str, act: impl FnOnce()) -> Vec<Value> {
    let text = written(Format::Json, filter, act);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

/// row: O1
#[test]
fn every_line_parses_and_has_its_fields() {
    let lines = json("info", || {
        tracing::info!("outside any request");
        let span = tracing::info_span!(
            "call",
            service = "order",
            correlation_id = "c-1",
            trace_id = "t-1",
            code = tracing::field::Empty
        );
        let _entered = span.enter();
        span.record("code", "ok");
        let inner = tracing::info_span!("inner", attempt = 2_u64, code = "inner");
        let _inner = inner.enter();
        tracing::warn!(
            order.id = 7,
            ok = true,
            ratio = 0.5,
            "line \"two\"\nwith a break"
        );
    });
    for line in &lines {
        for name in [
            "timestamp",
            "level",
            "service",
            "version",
            "env",
            "correlation_id",
            "trace_id",
            "message",
        ] {
            assert!(line.get(name).is_some(), "{name} is missing in {line}");
        }
    }
    assert_eq!(lines[0]["service"], "stoa");
    assert_eq!(lines[0]["correlation_id"], Value::Null);
    let second = &lines[1];
    assert_eq!(second["service"], "order");
    assert_eq!(second["level"], "WARN");
    assert_eq!(second["correlation_id"], "c-1");
    assert_eq!(second["trace_id"], "t-1");
    assert_eq!(second["version"], "1.2.3");
    assert_eq!(second["order.id"], 7);
    assert_eq!(second["attempt"], 2);
    assert_eq!(second["code"], "inner", "the innermost span's value wins");
    assert_eq!(second["message"], "line \"two\"\nwith a break");
}

fn answered() -> AccessLine<'static> {
    AccessLine {
        service: "order",
        correlation_id: "c-4111111111111111",
        trace_id: "t-1",
        method: "POST",
        route: "/stoa.order.v1.OrderService/GetOrder",
        protocol: "grpc",
        status: 200,
        code: Some("ok"),
        duration_us: 12,
        bytes: 34,
        caller: Some(&"user:1"),
    }
}

/// Somebody who listens beside the log, such as an exporter of traces.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Listener {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = String::new();
        event.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
            fields.push_str(&format!("{field}={value:?} "));
        });
        self.0.lock().expect("listener lives").push(fields);
    }
}

/// The log has its line once, and who listens beside it hears of the request as of any event.
///
/// row: O1
#[test]
fn the_line_of_a_request_reaches_who_listens_beside_the_log() {
    let (sink, listener) = (Sink::default(), Listener::default());
    let log = telemetry::log::subscriber(&config(Format::Json, "info"), Box::new(sink.clone()));
    let both = log.expect("filter is valid").with(listener.clone());
    let alone = tracing_subscriber::registry().with(listener.clone());
    tracing::subscriber::with_default(both, || answered().write());
    tracing::subscriber::with_default(alone, || answered().write());
    let bytes = sink.0.lock().expect("sink lives").clone();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1);
    let heard = listener.0.lock().expect("listener lives").clone();
    assert_eq!(heard.len(), 2, "{heard:?}");
    for fields in heard {
        for expected in [
            "message=Answered",
            "status=200",
            "code=\"ok\"",
            "caller=user:1",
        ] {
            assert!(fields.contains(expected), "{fields}");
        }
    }
}

/// row: O1, O2
#[test]
fn the_line_of_a_request_is_one_like_any_other() {
    let access = answered();
    let lines = json("info", || {
        access.write();
        let span = tracing::info_span!(
            "call",
            service = access.service,
            correlation_id = access.correlation_id,
            trace_id = access.trace_id
        );
        let _entered = span.enter();
        tracing::info!(
            target: "access",
            method = access.method,
            route = access.route,
            protocol = access.protocol,
            status = access.status,
            code = access.code,
            duration_us = access.duration_us,
            bytes = access.bytes,
            caller = "user:1",
            "Answered",
        );
    });
    let told = |line: &Value| {
        let mut line = line.as_object().expect("an object").clone();
        line.remove("timestamp");
        line
    };
    assert_eq!(told(&lines[0]), told(&lines[1]));
    assert!(json("info,access=warn", || access.write()).is_empty());
    let pretty = written(Format::Pretty, "info", || access.write());
    assert!(pretty.contains(" INFO order     Answered"), "{pretty}");
}

/// row: O1
#[test]
fn the_filter_decides() {
    let quiet = json("info", || tracing::debug!("hidden"));
    assert!(quiet.is_empty());
    let loud = json("debug", || {
        tracing::debug!("shown");
        tracing::debug!(target: "h2::codec", "a library stays quiet");
    });
    assert_eq!(loud.len(), 1);
    assert!(
        telemetry::log::subscriber(
            &Config {
                format: Format::Json,
                filter: "order=chatty".to_owned(),
                service: String::new(),
                version: String::new(),
                env: String::new(),
            },
            Box::new(Sink::default()),
        )
        .is_err()
    );
}

/// row: S-12
#[test]
fn secrets_do_not_reach_a_line() {
    let text = written(Format::Json, "info", || {
        let cause =
            std::io::Error::other("login of ann@example.test with eyJhbGciOiJFZERTQSJ9.e30.sig");
        tracing::error!(
            password = "hunter2",
            user.email = "ann@example.test",
            error = &cause as &(dyn std::error::Error + 'static),
            "cannot reach postgres://stoa:hunter2@db/order for card 4111-1111-1111-1111"
        );
    });
    for secret in ["hunter2", "ann@example", "eyJ", "4111"] {
        assert!(!text.contains(secret), "{secret} stands in {text}");
    }
}

/// row: S-12
#[test]
fn no_style_lets_escape_sequences_through() {
    for format in [Format::Json, Format::Pretty] {
        let text = written(format, "info", || {
            tracing::info!(agent = "\u{1b}[2Jcleared\r", "hello \u{1b}[31mred");
        });
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert_eq!(text.matches('\n').count(), 1);
        assert!(text.contains("cleared"));
    }
}

#[test]
fn an_error_is_written_with_its_causes() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("order storage failed")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let error = Outer(std::io::Error::other("disk is full"));
    let lines = json("info", || {
        tracing::error!(
            error = &error as &(dyn std::error::Error + 'static),
            "failed"
        );
    });
    assert_eq!(lines[0]["error"], "order storage failed: disk is full");
}

/// row: O1, C8
#[test]
fn a_panic_is_a_line_of_the_request_it_happened_in() {
    let lines = json("info", || {
        let span = tracing::info_span!("call", service = "order", correlation_id = "c-1");
        let _entered = span.enter();
        telemetry::log::log_panics();
        let panicked = std::panic::catch_unwind(|| panic!("no shelf {}", 7));
        drop(std::panic::take_hook());
        assert!(panicked.is_err());
    });
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["correlation_id"], "c-1");
    assert_eq!(line["cause"], "no shelf 7");
    let place = line["place"].as_str().expect("a place");
    assert!(place.contains("lines.rs:"), "{place}");
}
