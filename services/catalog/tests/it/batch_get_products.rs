use proto::catalog::v1::BatchGetProductsRequest;
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, customer, service};

fn batch(ids: &[&str], skus: &[&str]) -> BatchGetProductsRequest {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    BatchGetProductsRequest {
        ids: owned(ids),
        skus: owned(skus),
    }
}

/// row: D16, C11
#[both_engines]
async fn products_are_read_by_id_and_sku_in_one_call_each_once(app: TestApp) {
    let lamp = app.product("LAMP", "lamp", "Lighting").await;
    let chair = app.product("CHAIR", "chair", "Seating").await;
    let unknown = "0198f0a0-0000-7000-8000-000000000000";
    let request = batch(&[&lamp.id, unknown], &["LAMP", "CHAIR", "GHOST", "GHOST"]);
    for request in [customer(request.clone()), service("gateway", request)] {
        let answer = app.client().batch_get_products(request).await.unwrap();
        let mut answer = answer.into_inner();
        answer.products.sort_by(|a, b| a.sku.cmp(&b.sku));
        assert_eq!(answer.products, [chair.clone(), lamp.clone()]);
        assert_eq!(answer.missing, [unknown, "GHOST"]);
    }
}

/// row: D16, P18
#[both_engines]
async fn a_batch_has_at_most_100_names_together(app: TestApp) {
    let skus: Vec<String> = (0..100).map(|n| format!("SKU-{n}")).collect();
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    let id = "0198f0a0-0000-7000-8000-000000000000";
    let mut client = app.client();
    let answer = client
        .batch_get_products(customer(batch(&[id], &skus[1..])))
        .await;
    assert_eq!(answer.unwrap().into_inner().missing.len(), 100);
    for request in [batch(&[id], &skus), batch(&["7"], &[]), batch(&[], &[""])] {
        let refused = client
            .batch_get_products(customer(request))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let nothing = client.batch_get_products(customer(batch(&[], &[]))).await;
    assert_eq!(nothing.unwrap().into_inner(), Default::default());
}

/// row: D16
#[both_engines]
async fn strangers_and_other_services_are_refused(app: TestApp) {
    let mut client = app.client();
    let stranger = client.batch_get_products(batch(&[], &["LAMP"])).await;
    assert_eq!(stranger.unwrap_err().code(), Code::Unauthenticated);
    let payment = service("payment", batch(&[], &["LAMP"]));
    let refused = client.batch_get_products(payment).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
