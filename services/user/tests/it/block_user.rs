use call::Role;
use prost::Message;
use proto::event::v1::UserUpdated;
use serde_json::json;
use testkit::both_engines;

use crate::app::{PASSWORD, TestApp};

const BLOCK: &str = "UserAdminService/BlockUser";
const UNBLOCK: &str = "UserAdminService/UnblockUser";

/// row: D4
#[both_engines]
async fn a_block_ends_sessions_and_orders_and_is_undone(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let support = app
        .staff("support@example.test", &[Role::Support])
        .await
        .access_token;
    let profile = async || {
        let message = json!({"customerId": ada.id});
        let answer = app
            .call("UserService/GetProfile", &app.order_token(), message)
            .await;
        answer.ok()["profile"]["canPlaceOrders"] == true
    };
    assert!(profile().await);
    let block = json!({"id": ada.id, "reason": "chargebacks"});
    for _ in 0..2 {
        let answer = app.call(BLOCK, &support, block.clone()).await.ok();
        assert_eq!(answer["user"]["id"], json!(ada.id));
    }
    assert!(!profile().await);
    assert_eq!(
        app.refresh(&ada.refresh_token).await.code(),
        "unauthenticated"
    );
    let refused = app.try_sign_in("ada@example.test", PASSWORD).await;
    assert_eq!(refused.code(), "failed_precondition");

    for _ in 0..2 {
        app.call(UNBLOCK, &support, json!({"id": ada.id}))
            .await
            .ok();
    }
    assert!(profile().await);
    app.sign_in("ada@example.test").await;

    let facts = app
        .outbox()
        .await
        .into_iter()
        .filter(|fact| fact.key == ada.id);
    let facts: Vec<_> = facts.collect();
    let versions: Vec<i64> = facts.iter().map(|fact| fact.version).collect();
    assert_eq!(versions, [1, 2, 3], "a repeated block is no fact");
    let may_order = |fact: &testkit::app::StoredFact| {
        UserUpdated::decode(fact.data.as_slice())
            .unwrap()
            .can_place_orders
    };
    assert_eq!((may_order(&facts[1]), may_order(&facts[2])), (false, true));
}

/// row: D4, S-01
#[both_engines]
async fn only_support_and_admins_block(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let operator = app
        .staff("op@example.test", &[Role::Operator])
        .await
        .access_token;
    for rpc in [BLOCK, UNBLOCK] {
        for token in [&ada.access_token, &operator, &app.order_token()] {
            let answer = app.call(rpc, token, json!({"id": ada.id})).await;
            assert_eq!(answer.code(), "permission_denied");
        }
    }
    let admin = app.admin().await.access_token;
    let random = json!({"id": uuid::Uuid::from_u128(99)});
    assert_eq!(
        app.call(BLOCK, &admin, random.clone()).await.code(),
        "not_found"
    );
    assert_eq!(app.call(UNBLOCK, &admin, random).await.code(), "not_found");
}

/// row: D4
#[both_engines]
async fn support_does_not_block_staff(app: TestApp) {
    let admin = app.admin().await;
    let support = app.staff("support@example.test", &[Role::Support]).await;
    let message = json!({"id": admin.id});
    for rpc in [BLOCK, UNBLOCK] {
        let answer = app.call(rpc, &support.access_token, message.clone()).await;
        assert_eq!(answer.code(), "permission_denied");
        assert!(answer.has_reason("STAFF_ACCOUNT"));
    }
    let answer = app.call(BLOCK, &admin.access_token, message).await;
    assert_eq!(answer.code(), "failed_precondition");
    assert!(answer.has_reason("LAST_ADMIN"));
    let support = json!({"id": support.id});
    app.call(BLOCK, &admin.access_token, support).await.ok();
}

/// A sign-in that runs beside a block ends without a session, whichever came first.
///
/// row: D4
#[both_engines]
async fn no_session_slips_past_a_block(app: TestApp) {
    let ada = app.sign_up("Ada", "ada@example.test").await;
    let admin = app.admin().await.access_token;
    for _ in 0..5 {
        let (signed_in, blocked) = futures::join!(
            app.try_sign_in("ada@example.test", PASSWORD),
            app.call(BLOCK, &admin, json!({"id": ada.id})),
        );
        blocked.ok();
        if signed_in.status.is_success() {
            let token = signed_in.ok()["tokens"]["refreshToken"]
                .as_str()
                .unwrap()
                .to_owned();
            assert_eq!(app.refresh(&token).await.code(), "unauthenticated");
        }
        app.call(UNBLOCK, &admin, json!({"id": ada.id})).await.ok();
    }
}
