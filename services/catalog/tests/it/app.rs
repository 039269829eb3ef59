//! The service under test, and the callers who call it.

use std::ops::Deref;
use std::time::Duration;

use call::{Caller, Role};
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use proto::catalog::v1::{
    CreateProductRequest, ListProductsRequest, ListProductsResponse, Product,
};
use proto::event::v1::ProductChanged;
use testkit::app::{self, InProcess, by, person};
use testkit::{App, Engine, Fixture};
use tonic::Status;

pub use testkit::app::{keyed, start};

pub type Client = CatalogServiceClient<InProcess>;

/// The catalog service, and what is asked of it.
pub struct TestApp(App);

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let build = |deps| catalog::service(catalog::Config::default(), deps);
        Self(App::on(engine, catalog::NAME, migrations::up, build).await)
    }
}

impl Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl TestApp {
    /// A gRPC client within the process.
    pub fn client(&self) -> Client {
        CatalogServiceClient::new(app::channel(&self.app))
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
            self.time.advance(Duration::from_secs(1));
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
        self.0.told("product.changed", id).await
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
    by(app::service(name), message)
}

/// A request of a signed-in customer.
pub fn customer<T>(message: T) -> tonic::Request<T> {
    by(Caller::User(person(7, &[Role::Customer])), message)
}

/// A request of somebody who keeps the catalog.
pub fn operator<T>(message: T) -> tonic::Request<T> {
    let keeper = person(7, &[Role::Customer, Role::Operator]);
    by(Caller::User(keeper), message)
}
