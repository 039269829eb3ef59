use proto::catalog::v1::{DeleteProductRequest, GetProductRequest};
use proto::event::v1::product_changed::Change;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, keyed, operator};

fn delete(id: &str) -> DeleteProductRequest {
    DeleteProductRequest { id: id.to_owned() }
}

/// row: D16, E10, I6
#[both_engines]
async fn a_deleted_product_is_gone_and_told(app: TestApp) {
    let made = app.product("LAMP", "lamp", "Lighting").await;
    let mut client = app.client();
    client
        .delete_product(operator(delete(&made.id)))
        .await
        .unwrap();
    let get = GetProductRequest {
        id: made.id.clone(),
    };
    assert_eq!(
        client.get_product(get).await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(app.search("lamp", "").await, [""; 0]);
    assert_eq!(app.search("", "").await, [""; 0]);
    let told = app.told(&made.id).await;
    assert_eq!((told[1].0, told[1].1.change()), (2, Change::Deleted));
    assert_eq!(told[1].1.product.as_ref(), Some(&made), "as it last was");

    let again = client.delete_product(operator(delete(&made.id))).await;
    assert_eq!(again.unwrap_err().code(), Code::NotFound);
    let heir = app.product("LAMP", "another lamp", "Lighting").await;
    assert_ne!(heir.id, made.id, "its SKU is free again");
}

/// row: X16, I8, S-16
#[both_engines]
async fn a_key_answers_alike_after_the_product_is_gone(app: TestApp) {
    let made = app.product("LAMP", "lamp", "").await;
    let mut client = app.client();
    for replayed in [false, true] {
        let request = keyed("k", operator(delete(&made.id)));
        let answer = client.delete_product(request).await.unwrap();
        assert_eq!(
            answer.metadata().contains_key("idempotency-replayed"),
            replayed
        );
    }
    assert_eq!(app.told(&made.id).await.len(), 2);
}

/// row: D16, P18
#[both_engines]
async fn who_may_not_delete_deletes_nothing(app: TestApp) {
    let made = app.product("LAMP", "lamp", "").await;
    let mut client = app.client();
    for (request, expected) in [
        (tonic::Request::new(delete(&made.id)), Code::Unauthenticated),
        (customer(delete(&made.id)), Code::PermissionDenied),
        (operator(delete("7")), Code::InvalidArgument),
    ] {
        let refused = client.delete_product(request).await.unwrap_err();
        assert_eq!(refused.code(), expected, "{refused}");
    }
    assert_eq!(app.search("", "").await, ["lamp"]);
}
