use axum::body::{Body, to_bytes};
use proto::catalog::v1::{GetProductRequest, Product};
use testkit::both_engines;
use tonic::Code;
use tonic::codegen::http::{Request, Response, StatusCode};

use crate::app::{TestApp, customer, start};

fn get(id: &str) -> GetProductRequest {
    GetProductRequest { id: id.to_owned() }
}

/// Sends Connect's GET, as a stranger's browser does.
async fn connect_get(app: &TestApp, id: &str, tag: Option<&str>) -> Response<Body> {
    let path = "/stoa.catalog.v1.CatalogService/GetProduct";
    let message = format!("%7B%22id%22%3A%22{id}%22%7D");
    let mut request = Request::get(format!("{path}?connect=v1&encoding=json&message={message}"));
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    let request = request.body(Body::empty()).expect("a request");
    app.app.handle(request).await
}

async fn json(response: Response<Body>) -> serde_json::Value {
    let body = to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    serde_json::from_slice(&body).expect("JSON")
}

/// row: D16
#[both_engines]
async fn anybody_reads_a_product(app: TestApp) {
    let made = app.product("LAMP", "Noon lamp", "Lighting").await;
    let expected = Product {
        id: made.id.clone(),
        sku: "LAMP".to_owned(),
        name: "Noon lamp".to_owned(),
        description: String::new(),
        category: "Lighting".to_owned(),
        image_url: "/assets/products/x.svg".to_owned(),
        display_price: None,
        created_at: Some(start().into()),
        updated_at: Some(start().into()),
    };
    let stranger = tonic::Request::new(get(&made.id));
    for request in [stranger, customer(get(&made.id))] {
        let found = app
            .client()
            .get_product(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.product.as_ref(), Some(&expected));
    }
}

/// row: P3, D16
#[both_engines]
async fn by_get_a_product_may_be_cached_and_asked_for_again(app: TestApp) {
    let made = app.product("LAMP", "Noon lamp", "Lighting").await;
    let first = connect_get(&app, &made.id, None).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(first.headers()["cache-control"], "public, max-age=60");
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(json(first).await["product"]["name"], "Noon lamp");

    let again = connect_get(&app, &made.id, Some(&tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(again.headers()["etag"], tag);

    let other = connect_get(&app, &made.id, Some("\"other\"")).await;
    assert_eq!(other.status(), StatusCode::OK);
}

/// row: D16, P18, C9
#[both_engines]
async fn unknown_and_malformed_ids_are_told_apart(app: TestApp) {
    let unknown = "0198f0a0-0000-7000-8000-000000000000";
    for (id, code, status, name) in [
        (unknown, Code::NotFound, StatusCode::NOT_FOUND, "not_found"),
        (
            "7",
            Code::InvalidArgument,
            StatusCode::BAD_REQUEST,
            "invalid_argument",
        ),
        (
            "",
            Code::InvalidArgument,
            StatusCode::BAD_REQUEST,
            "invalid_argument",
        ),
    ] {
        let refused = app.client().get_product(get(id)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        let refused = connect_get(&app, id, None).await;
        assert_eq!(refused.status(), status);
        assert!(!refused.headers().contains_key("etag"));
        assert_eq!(json(refused).await["code"], name);
    }
}
