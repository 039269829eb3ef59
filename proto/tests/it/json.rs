//! The JSON of generated messages follows the protobuf JSON mapping, also
//! where the libraries alone would not.

use proto::inventory::v1::ReserveStockRequest;
use proto::order::v1::{CreateOrderRequest, ListOrdersRequest, Order, OrderStatus};
use proto::pricing::v1::Money;
use proto::user::v1::{UpdateUserRequest, User};
use proto::wkt::{Duration, Empty, Timestamp};
use serde_json::{from_str, json, to_string, to_value};

/// row: P21
#[test]
fn timestamps_are_rfc_3339_with_a_z() {
    for (seconds, nanos, text) in [
        (0, 0, "1970-01-01T00:00:00Z"),
        (1_795_251_600, 120_000_000, "2026-11-21T09:00:00.120Z"),
        (1_795_251_600, 120_500_000, "2026-11-21T09:00:00.120500Z"),
        (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
        (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
    ] {
        let time = Timestamp { seconds, nanos };
        assert_eq!(to_value(time).unwrap(), json!(text));
        assert_eq!(from_str::<Timestamp>(&format!("{text:?}")).unwrap(), time);
    }
    let offset: Timestamp = from_str("\"2026-11-21T10:00:00+01:00\"").unwrap();
    assert_eq!(to_value(offset).unwrap(), json!("2026-11-21T09:00:00Z"));
    for bad in [
        "\"yesterday\"",
        "0",
        "\"+10000-01-01T00:00:00Z\"",
        "\"0000-12-31T23:59:59Z\"",
    ] {
        assert!(from_str::<Timestamp>(bad).is_err(), "{bad}");
    }
    assert!(
        to_string(&Timestamp {
            seconds: i64::MAX,
            nanos: 0
        })
        .is_err()
    );
}

/// row: P21
#[test]
fn presence_tells_absent_from_empty() {
    let absent: UpdateUserRequest = from_str(r#"{"id":"x"}"#).unwrap();
    assert_eq!((absent.name, absent.email), (None, None));
    let empty: UpdateUserRequest = from_str(r#"{"id":"x","name":"","email":""}"#).unwrap();
    assert_eq!(
        (empty.name.as_deref(), empty.email.as_deref()),
        (Some(""), Some(""))
    );
    let null: UpdateUserRequest = from_str(r#"{"id":"x","name":null}"#).unwrap();
    assert_eq!(null.name, None);
}

/// row: P21
#[test]
fn null_stands_for_an_absent_field() {
    let text = r#"{"customerId":null,"items":null,"paymentMethod":null,"currencyCode":null}"#;
    let request: CreateOrderRequest = from_str(text).unwrap();
    assert_eq!(request, CreateOrderRequest::default());
    let request: ListOrdersRequest = from_str(r#"{"pageSize":null,"status":null}"#).unwrap();
    assert_eq!(request, ListOrdersRequest::default());
    let user: User = from_str(r#"{"roles":null,"createdAt":null}"#).unwrap();
    assert_eq!(user, User::default());
}

/// row: P1, D14
#[test]
fn wide_integers_are_strings_and_defaults_are_left_out() {
    let euro = |minor_units| Money {
        currency_code: "EUR".into(),
        minor_units,
    };
    let money = euro(1999);
    assert_eq!(
        to_value(&money).unwrap(),
        json!({"currencyCode": "EUR", "minorUnits": "1999"})
    );
    assert_eq!(
        from_str::<Money>(r#"{"currencyCode":"EUR","minorUnits":1999}"#).unwrap(),
        money
    );
    assert_eq!(to_value(euro(0)).unwrap(), json!({"currencyCode": "EUR"}));
    assert_eq!(to_value(Order::default()).unwrap(), json!({}));
}

/// row: P1
#[test]
fn an_integer_is_one_in_whatever_form_it_is_written() {
    let read = |form: &str| from_str::<Money>(&format!(r#"{{"minorUnits":{form}}}"#));
    for (form, units) in [
        ("1", 1),
        ("1.0", 1),
        ("1e0", 1),
        (r#""1e0""#, 1),
        (r#""1.0""#, 1),
        ("1.9990e3", 1999),
        ("-1.5e1", -15),
        ("-0.0", 0),
        (r#""-9223372036854775808""#, i64::MIN),
        ("9223372036854775807", i64::MAX),
        ("999999999999999.0", 999_999_999_999_999),
    ] {
        let money = read(form).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(money.minor_units, units, "{form}");
    }
    for none in [
        "0.5",
        "1e-1",
        r#""0.5""#,
        r#""""#,
        r#"" 1""#,
        r#""x""#,
        r#""NaN""#,
        r#""inf""#,
        "9223372036854775808",
        "1e30",
        "true",
        "[1]",
        // Floats of that size are read as others, in silence.
        "9007199254740991.0",
        r#""9007199254740993.0""#,
    ] {
        assert!(read(none).is_err(), "{none}");
    }
    let narrow = |form: &str| from_str::<ListOrdersRequest>(&format!(r#"{{"pageSize":{form}}}"#));
    assert_eq!(narrow("2e1").unwrap().page_size, 20);
    assert!(narrow("2147483648").is_err() && narrow("2147483648.0").is_err());
}

/// row: P1
#[test]
fn names_are_lower_camel_and_enums_go_by_name() {
    let order = Order {
        customer_id: "c".into(),
        status: OrderStatus::Confirmed.into(),
        ..Default::default()
    };
    let value = json!({"customerId": "c", "status": "ORDER_STATUS_CONFIRMED"});
    assert_eq!(to_value(&order).unwrap(), value);
    // The contract's own names and the numbers of enums are read, too.
    assert_eq!(
        from_str::<Order>(r#"{"customer_id":"c","status":3}"#).unwrap(),
        order
    );
    assert!(from_str::<Order>(r#"{"status":"SHIPPED"}"#).is_err());
}

/// row: P1
#[test]
fn unknown_fields_are_ignored() {
    let request: ListOrdersRequest = from_str(r#"{"userId":"u","sortBy":{"x":[1]}}"#).unwrap();
    assert_eq!(request.user_id, "u");
}

/// row: P21
#[test]
fn durations_and_empty_have_their_own_forms() {
    let request = ReserveStockRequest {
        ttl: Some(Duration {
            seconds: 1,
            nanos: 500_000_000,
        }),
        ..Default::default()
    };
    assert_eq!(to_value(&request).unwrap(), json!({"ttl": "1.500s"}));
    let read: ReserveStockRequest = from_str(r#"{"ttl":"1.5s"}"#).unwrap();
    assert_eq!(read, request);
    assert_eq!(to_string(&Empty {}).unwrap(), "{}");
}

#[test]
fn debug_shows_no_secret() {
    use proto::user::v1::{SignUpRequest, TokenPair};

    let request = SignUpRequest {
        name: "Ada".into(),
        email: "ada@shop.example".into(),
        password: "correct horse".into(),
        use_cookie: true,
    };
    let shown = format!("{request:?}");
    assert!(
        !shown.contains("shop.example") && !shown.contains("horse"),
        "{shown}"
    );
    assert!(
        shown.contains("Ada") && shown.contains("[redacted]"),
        "{shown}"
    );
    let tokens = TokenPair {
        access_token: "eyJ".into(),
        ..Default::default()
    };
    assert!(!format!("{tokens:?}").contains("eyJ"));
}
