//! What lists of orders call those who bought, as the user service tells it.

use bus::Bus;
use clock::Manual;
use events::{Origin, outbox};
use order::saga::fail_point::FailPoints;
use proto::Fact;
use proto::event::v1::{UserCreated, UserDeleted, UserUpdated};
use slice::Deps;
use sql::Database;
use testkit::database::TestDatabase;
use testkit::{Engine, both_engines};

use crate::shop::{Shop, eventually, id};

/// The user service, as far as it tells.
struct People {
    db: TestDatabase,
    clock: clock::Clock,
}

impl People {
    /// One whom the shop hears.
    async fn of(shop: &Shop, engine: Engine) -> Self {
        let migrate = async |db: &Database| migrations::up(db, "user").await;
        let db = testkit::database::on(engine, "user", migrate).await;
        let (clock, _) = Manual::new(testkit::app::start());
        let bus = Bus::default();
        bus.open(&db, &clock);
        let deps = Deps {
            bus,
            ..testkit::deps(&shop.db, &clock)
        };
        let service = order::service(order::Config::default(), deps, FailPoints::default());
        let mut service = service.expect("the service is put together");
        let mut tasks = service.take_tasks().into_iter();
        let hears = tasks.find(|task| task.name == "order-views");
        let hears = hears.expect("it hears").start;
        tokio::spawn(hears(shop.life.shutdown.clone()));
        Self { db, clock }
    }

    async fn tell<F: Fact>(&self, fact: &F, version: i64) {
        let txn = self.db.begin_write().await.expect("it begins");
        let fact = command::fact(fact, version, None);
        let told = outbox::push(&txn, &self.clock, &Origin::internal("test"), fact).await;
        told.expect("it is told");
        txn.commit().await.expect("it is kept");
    }

    async fn is_called(&self, name: &str, version: i64) {
        let changed = UserUpdated {
            user_id: id(1),
            name: name.to_owned(),
            ..UserUpdated::default()
        };
        self.tell(&changed, version).await;
    }
}

async fn shown(shop: &Shop) -> String {
    let orders = shop.orders(1).await;
    orders[0].user_name.clone()
}

async fn until_shown(shop: &Shop, name: &str) {
    eventually(async || (shown(shop).await == name).then_some(())).await;
}

/// Nobody is asked for it: of the peers here none knows a name.
///
/// row: E11
#[both_engines]
async fn a_name_is_the_latest_that_was_told_and_gone_with_its_account(engine: Engine) {
    let shop: Shop = testkit::on(engine).await;
    let bought = shop.buy(1, &[("lamp", 1)], "tok_ok").await;
    bought.expect("it is bought");
    let people = People::of(&shop, engine).await;
    assert_eq!(shown(&shop).await, "");
    let made = UserCreated {
        user_id: id(1),
        name: "Ada".to_owned(),
        ..UserCreated::default()
    };
    people.tell(&made, 1).await;
    until_shown(&shop, "Ada").await;
    people.is_called("Ada Lovelace", 3).await;
    until_shown(&shop, "Ada Lovelace").await;
    // An older version that comes late, and another person's name behind it, by which one knows that it has come.
    people.is_called("Miss Byron", 2).await;
    let other = UserCreated {
        user_id: id(2),
        name: "Grace".to_owned(),
        ..UserCreated::default()
    };
    people.tell(&other, 1).await;
    let bought = shop.buy(2, &[("lamp", 1)], "tok_ok").await;
    bought.expect("it is bought");
    eventually(async || (shop.orders(2).await[0].user_name == "Grace").then_some(())).await;
    assert_eq!(shown(&shop).await, "Ada Lovelace");
    people.tell(&UserDeleted { user_id: id(1) }, 4).await;
    until_shown(&shop, "").await;
}
