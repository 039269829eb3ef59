//! The service under test, those who tell it something, and the callers who call it.

use std::ops::Deref;

use bus::{Bus, Heard};
use call::{Caller, Role};
use edge::BackgroundTask;
use events::{Origin, outbox};
use proto::Fact;
use proto::catalog::v1::Product;
use proto::event::v1::product_changed::Change;
use proto::event::v1::{OrderConfirmed, ProductChanged, UserDeleted};
use proto::order::v1::OrderLine;
use proto::recommendation::v1::recommendation_service_client::RecommendationServiceClient;
use proto::recommendation::v1::{GetRecommendationsRequest, GetSuggestionsRequest, Suggestion};
use sql::Database;
use testkit::app::{self, InProcess, by, eventually, person};
use testkit::database::TestDatabase;
use testkit::{App, Engine, Fixture};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

pub type Client = RecommendationServiceClient<InProcess>;

/// Who tells it something.
const SOURCES: [&str; 3] = ["order", "catalog", "user"];

/// The recommendation service, and what is asked of it.
pub struct TestApp {
    app: App,
    sources: Vec<TestDatabase>,
    bus: Bus,
    hears: BackgroundTask,
}

/// It hears, until it is stopped.
pub struct Hearing {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        let mut sources = Vec::new();
        for name in SOURCES {
            let migrate = async |db: &Database| migrations::up(db, name).await;
            sources.push(testkit::database::on(engine, name, migrate).await);
        }
        let bus = Bus::default();
        let build = |mut deps: slice::Deps| {
            for source in &sources {
                bus.open(source, &deps.clock);
            }
            deps.bus = bus.clone();
            recommendation::service(recommendation::Config::default(), deps)
        };
        let app = App::on(engine, recommendation::NAME, migrations::up, build).await;
        let hears = app.task("recommendation");
        Self {
            app,
            sources,
            bus,
            hears,
        }
    }
}

impl Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl TestApp {
    /// A gRPC client within the process.
    pub fn client(&self) -> Client {
        RecommendationServiceClient::new(app::channel(&self.app.app))
    }

    /// Begins to hear, or goes on.
    pub fn hear(&self) -> Hearing {
        let stop = CancellationToken::new();
        let task = tokio::spawn((self.hears.start)(stop.clone()));
        Hearing { stop, task }
    }

    /// Hears until it has heard so many facts in all, and how far that is, is kept: else some are told again.
    pub async fn hear_all(&self, facts: i64) {
        let hearing = self.hear();
        self.has_heard(facts).await;
        for source in &self.sources {
            let told = outbox::committed(source.read(), u64::from(u32::MAX)).await;
            let Some(last) = told.unwrap().pop() else {
                continue;
            };
            eventually(async || match self.bus.heard(source.service()) {
                Heard::UpTo(heard) => heard.later(last.cursor).is_at(heard).then_some(()),
                Heard::ByNobody | Heard::Unknown => None,
            })
            .await;
        }
        hearing.stop().await;
    }

    /// Waits until it has heard so many facts in all.
    pub async fn has_heard(&self, facts: i64) {
        eventually(async || (self.count("inbox").await == facts).then_some(())).await;
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let count = format!("select count(*) as n from {table}");
        self.rows(&count).await[0].try_get("", "n").unwrap()
    }

    /// Forgets how far it heard, as in a crash before that was kept: all is told again.
    pub async fn lose_marks(&self) {
        let txn = self.db.begin_write().await.unwrap();
        let lost = sea_orm::ConnectionTrait::execute_unprepared(&txn, "delete from consumer_marks");
        lost.await.unwrap();
        txn.commit().await.unwrap();
    }

    /// Tells a fact, the newest of its service.
    pub async fn tell<F: Fact>(&self, source: &str, fact: &F, version: i64, synthetic: bool) {
        let db = self.sources.iter().find(|db| db.service() == source);
        let txn = db.unwrap().begin_write().await.unwrap();
        let fact = command::fact(fact, version, None);
        let origin = Origin {
            synthetic,
            ..Origin::internal("test")
        };
        outbox::push(&txn, &self.clock, &origin, fact)
            .await
            .unwrap();
        txn.commit().await.unwrap();
    }

    /// Somebody bought these.
    pub async fn buys(&self, number: u128, skus: &[&str]) {
        let confirmed = self.confirmed(number, skus);
        self.tell("order", &confirmed, 3, false).await;
    }

    /// An order of somebody's.
    pub fn confirmed(&self, number: u128, skus: &[&str]) -> OrderConfirmed {
        let line = |sku: &&str| OrderLine {
            sku: (*sku).to_owned(),
            quantity: 2,
            ..OrderLine::default()
        };
        OrderConfirmed {
            order_id: self.clock.id().to_string(),
            user_id: id(number),
            items: skus.iter().map(line).collect(),
            total: None,
        }
    }

    /// The catalog has a product, or had it.
    pub async fn product(&self, number: u128, sku: &str, version: i64, change: Change) {
        let product = Product {
            id: id(number),
            sku: sku.to_owned(),
            created_at: Some(self.clock.now().into()),
            ..Product::default()
        };
        let changed = ProductChanged {
            product: Some(product),
            change: change.into(),
        };
        self.tell("catalog", &changed, version, false).await;
    }

    /// Somebody deleted the account.
    pub async fn leaves(&self, number: u128) {
        let deleted = UserDeleted {
            user_id: id(number),
        };
        self.tell("user", &deleted, 2, false).await;
    }

    /// What the gateway is told goes with a SKU.
    pub async fn with(&self, sku: &str) -> Vec<String> {
        skus(&self.suggestions(sku, 20).await.unwrap())
    }

    /// The same, in full.
    pub async fn suggestions(&self, sku: &str, limit: i32) -> Result<Vec<Suggestion>, Status> {
        let request = by(app::service("gateway"), suggest(sku, limit));
        let answer = self.client().get_suggestions(request).await?;
        Ok(answer.into_inner().items)
    }

    /// What somebody is told he may like.
    pub async fn likes(&self, number: u128) -> Vec<String> {
        let request = customer(number, recommend(number, 20));
        let answer = self.client().get_recommendations(request).await;
        skus(&answer.unwrap().into_inner().items)
    }
}

impl Hearing {
    /// Stops once what it is at is done.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// The id with this number.
pub fn id(number: u128) -> String {
    Uuid::from_u128(number).to_string()
}

pub fn suggest(sku: &str, limit: i32) -> GetSuggestionsRequest {
    GetSuggestionsRequest {
        sku: sku.to_owned(),
        limit,
    }
}

pub fn recommend(number: u128, limit: i32) -> GetRecommendationsRequest {
    GetRecommendationsRequest {
        user_id: id(number),
        limit,
    }
}

/// A request of a signed-in customer.
pub fn customer<T>(number: u128, message: T) -> tonic::Request<T> {
    by(Caller::User(person(number, &[Role::Customer])), message)
}

pub fn skus(items: &[Suggestion]) -> Vec<String> {
    items.iter().map(|item| item.sku.clone()).collect()
}
