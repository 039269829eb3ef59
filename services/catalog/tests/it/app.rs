//! The service under test, and the callers who call it.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use call::{Caller, Role, User};
use chrono::{DateTime, Utc};
use clock::Manual;
use edge::{App, Contract, Health, LocalCaller};
use prost::Message;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::catalog::v1::{
    CreateProductRequest, ListProductsRequest, ListProductsResponse, Product,
};
use proto::event::v1::ProductChanged;
use sea_orm::{ConnectionTrait, Statement};
use testkit::database::{self, TestDatabase};
use testkit::{Engine, Fixture};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::codegen::http;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use uuid::Uuid;

pub type Client = CatalogServiceClient<
    BoxCloneSyncService<http::Request<tonic::body::Body>, http::Response<Body>, Infallible>,
>;

/// The catalog service behind its edge, on a database of its own.
pub struct TestApp {
    pub db: TestDatabase,
    pub clock: Manual,
    pub app: App,
}

/// When every test begins.
pub fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let migrate = async |db: &sql::Database| migrations::up(db, catalog::NAME).await;
        Self::new(database::on(engine, catalog::NAME, migrate).await)
    }
}

impl TestApp {
    fn new(db: TestDatabase) -> Self {
        let (clock, manual) = Manual::new(start());
        let service = catalog::service(
            catalog::Config::default(),
            testkit::deps(&db.database, &clock),
        );
        let contract = Contract::new(proto::DESCRIPTORS).expect("the contract loads");
        let health = Health::new(CancellationToken::new());
        let app = App::builder(contract, clock, health)
            .service(service.expect("the service starts"))
            .build()
            .expect("the edge finds nothing missing");
        Self {
            db,
            clock: manual,
            app,
        }
    }

    /// A gRPC client within the process.
    pub fn client(&self) -> Client {
        let service = self
            .app
            .clone()
            .map_request(|request: http::Request<tonic::body::Body>| request.map(Body::new));
        CatalogServiceClient::new(BoxCloneSyncService::new(service))
    }

    /// Creates a product, as an operator.
    pub async fn product(&self, sku: &str, name: &str, category: &str) -> Product {
        let request = operator(create(sku, name, category, ""));
        let created = self.client().create_product(request).await;
        let created = created.expect("an operator creates a product");
        created.into_inner().product.expect("the product created")
    }

    /// Creates products of a shelf, each a second newer than the one before it.
    pub async fn shelf(&self, category: &str, names: &[&str]) -> Vec<Product> {
        let mut products = Vec::new();
        for (number, name) in names.iter().enumerate() {
            self.clock.advance(Duration::from_secs(1));
            let letters: String = category.chars().filter(char::is_ascii_alphabetic).collect();
            let sku = format!("{letters}-{number}");
            products.push(self.product(&sku, name, category).await);
        }
        products
    }

    /// One page of what a stranger finds.
    pub async fn list(&self, request: ListProductsRequest) -> Result<ListProductsResponse, Status> {
        let answer = self.client().list_products(request).await;
        answer.map(tonic::Response::into_inner)
    }

    /// The names of all that a query finds, page by page, best first.
    pub async fn search(&self, query: &str, category: &str) -> Vec<String> {
        let mut request = ListProductsRequest {
            query: query.to_owned(),
            category: category.to_owned(),
            page_size: 2,
            page_token: String::new(),
        };
        let mut names = Vec::new();
        loop {
            let page = self.list(request.clone()).await.expect("a page");
            names.extend(page.products.into_iter().map(|product| product.name));
            if page.next_page_token.is_empty() {
                return names;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// What the service told about a product, in order: its number and the fact.
    pub async fn told(&self, id: &str) -> Vec<(i64, ProductChanged)> {
        let db = self.db.read();
        let backend = db.get_database_backend();
        let sql = "select version, data from outbox \
                   where topic = 'product.changed' and key = $1 order by position";
        let rows = db.query_all_raw(Statement::from_sql_and_values(backend, sql, [id.into()]));
        let told = rows.await.expect("the outbox can be read").into_iter();
        told.map(|row| {
            let data: Vec<u8> = row.try_get("", "data").expect("a fact has data");
            let fact = ProductChanged::decode(data.as_slice()).expect("a fact decodes");
            (row.try_get("", "version").expect("a version"), fact)
        })
        .collect()
    }

    /// How many facts the service told about anything.
    pub async fn told_count(&self) -> i64 {
        let db = self.db.read();
        let backend = db.get_database_backend();
        let count = Statement::from_string(backend, "select count(*) as count from outbox");
        let row = db
            .query_one_raw(count)
            .await
            .expect("the outbox can be read");
        let row = row.expect("a count");
        row.try_get("", "count").expect("a number")
    }
}

pub fn create(sku: &str, name: &str, category: &str, description: &str) -> CreateProductRequest {
    CreateProductRequest {
        sku: sku.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        category: category.to_owned(),
        image_url: "/assets/products/x.svg".to_owned(),
    }
}

/// A request for the first product-page of everything.
pub fn everything() -> ListProductsRequest {
    ListProductsRequest::default()
}

/// A request of a service for nobody in particular.
pub fn service<T>(name: &str, message: T) -> tonic::Request<T> {
    let caller = Caller::Service {
        name: name.into(),
        acting_for: None,
    };
    with(caller, message)
}

/// A request of a signed-in customer.
pub fn customer<T>(message: T) -> tonic::Request<T> {
    with(Caller::User(person(&[Role::Customer])), message)
}

/// A request of somebody who keeps the catalog.
pub fn operator<T>(message: T) -> tonic::Request<T> {
    with(
        Caller::User(person(&[Role::Customer, Role::Operator])),
        message,
    )
}

/// The same request, to be carried out once.
pub fn keyed<T>(key: &str, mut request: tonic::Request<T>) -> tonic::Request<T> {
    let key = key.parse().expect("a key is ASCII");
    request.metadata_mut().insert("idempotency-key", key);
    request
}

fn with<T>(caller: Caller, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(LocalCaller(caller));
    request
}

fn person(roles: &[Role]) -> User {
    User {
        id: Uuid::from_u128(7),
        roles: roles.iter().copied().collect(),
    }
}
