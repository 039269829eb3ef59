use futures::future::join_all;
use proto::event::v1::product_changed::Change;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, create, customer, keyed, operator, service};

/// row: D16, E10, I6
#[both_engines]
async fn a_new_product_is_told_with_all_it_is(app: TestApp) {
    let made = app.product("LAMP", "Noon lamp", "Lighting").await;
    let told = app.told(&made.id).await;
    let [(1, fact)] = told.as_slice() else {
        panic!("one fact, not {told:?}")
    };
    assert_eq!(fact.change(), Change::Created);
    assert_eq!(fact.product.as_ref(), Some(&made));
}

/// row: D16, X16
#[both_engines]
async fn of_rivals_for_one_sku_one_wins(app: TestApp) {
    let rivals = (0..10).map(|number| {
        let mut client = app.client();
        let request = operator(create("LAMP", &format!("lamp {number}"), "", ""));
        async move { client.create_product(request).await }
    });
    let answers = join_all(rivals).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), Code::AlreadyExists, "{refused}");
        let (domain, reason, metadata) = call::error::reason_of(&refused).unwrap();
        assert_eq!(
            (domain.as_str(), reason.as_str()),
            ("stoa.catalog", "SKU_TAKEN")
        );
        assert_eq!(metadata["sku"], "LAMP");
    }
    assert_eq!(app.outbox().await.len(), 1);
}

/// row: X16, I8, S-16
#[both_engines]
async fn a_key_makes_one_product(app: TestApp) {
    let mut client = app.client();
    let request = || keyed("k", operator(create("LAMP", "lamp", "", "")));
    let first = client.create_product(request()).await.unwrap();
    assert!(!first.metadata().contains_key("idempotency-replayed"));
    let again = client.create_product(request()).await.unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner(), first.into_inner());
    assert_eq!(app.outbox().await.len(), 1);
    let other = keyed("k", operator(create("CHAIR", "chair", "", "")));
    let refused = client.create_product(other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

/// row: D16, P18, E10
#[both_engines]
async fn what_may_not_be_created_leaves_no_trace(app: TestApp) {
    let mut client = app.client();
    let good = || create("LAMP", "lamp", "", "");
    let text = |length: usize| "x".repeat(length);
    for (request, expected) in [
        (tonic::Request::new(good()), Code::Unauthenticated),
        (customer(good()), Code::PermissionDenied),
        (service("gateway", good()), Code::PermissionDenied),
        (operator(create("", "lamp", "", "")), Code::InvalidArgument),
        (
            operator(create("LAMP 1", "lamp", "", "")),
            Code::InvalidArgument,
        ),
        (
            operator(create(&text(65), "lamp", "", "")),
            Code::InvalidArgument,
        ),
        (operator(create("LAMP", "", "", "")), Code::InvalidArgument),
        (
            operator(create("LAMP", &text(201), "", "")),
            Code::InvalidArgument,
        ),
        (
            operator(create("LAMP", "lamp", &text(101), "")),
            Code::InvalidArgument,
        ),
        (
            operator(create("LAMP", "lamp", "", &text(4001))),
            Code::InvalidArgument,
        ),
    ] {
        let refused = client.create_product(request).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
    }
    assert_eq!(app.outbox().await.len(), 0);
    assert_eq!(app.search("", "").await, [""; 0]);
}

/// row: D16
#[both_engines]
async fn the_wordiest_product_is_kept_and_found(app: TestApp) {
    let words: String = (100..900).map(|n| format!("{n} ")).collect();
    let request = operator(create("LAMP", "Noon lamp", "", &words));
    app.client().create_product(request).await.unwrap();
    assert_eq!(app.search("noon", "").await, ["Noon lamp"]);
}
