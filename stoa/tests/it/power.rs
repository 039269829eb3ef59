//! Power lost while the shop writes: the log of the orders is cut at any byte.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use proto::order::v1::OrderStatus;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sea_orm::sea_query::{Alias, Query};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::sleep;
use uuid::Uuid;

use crate::shop::{Customer, Shop};

/// Logs that are cut after the last answer, and as many anywhere before.
const CUTS: usize = 500;
/// Logs that are imagined each time the power goes.
const CUTS_PER_LOSS: usize = 50;
/// A loss right after a checkpoint has no log to cut, and does not count.
const LOSSES_MAX: usize = 30;
const SKU: &str = "MUG-STR-01";

/// The two files that hold what a disk has.
struct Files {
    main: Vec<u8>,
    log: Vec<u8>,
}

impl Files {
    /// Reads both while nobody writes.
    async fn read(shop: &Shop) -> Self {
        shop.process.pause();
        sleep(Duration::from_millis(20)).await;
        let read = |name: &str| std::fs::read(shop.data.join(name)).expect("the file is there");
        let files = Self {
            main: read("order.db"),
            log: read("order.db-wal"),
        };
        shop.process.resume();
        files
    }

    /// Names this life of the log, which begins anew after a checkpoint.
    fn salts(&self) -> &[u8] {
        self.log.get(16..24).unwrap_or_default()
    }

    /// Up to where the log is of this life: frames carry its salts.
    fn written(&self) -> usize {
        let page = self.log.get(8..12).and_then(|bytes| bytes.try_into().ok());
        let frame = 24 + usize::try_from(page.map_or(4096, u32::from_be_bytes)).expect("a page");
        let mut end = 32;
        while self.log.get(end + 8..end + 16) == Some(self.salts()) && end + frame <= self.log.len()
        {
            end += frame;
        }
        end
    }

    /// What a shop finds that starts on these files, the log cut: its orders, and where they stand.
    async fn orders_after_cut(&self, folder: &Path, cut: usize) -> HashMap<Uuid, i16> {
        let file = folder.join(format!("cut-{cut}.db"));
        std::fs::write(&file, &self.main).expect("the folder is ours");
        let log = file.with_extension("db-wal");
        std::fs::write(&log, &self.log[..cut]).expect("the folder is ours");
        let config = sql::Config::sqlite(&file);
        let db = sql::Database::connect("order", &config).await;
        let db = db.expect("it opens after a cut");
        let check = Statement::from_string(DbBackend::Sqlite, "pragma integrity_check");
        let verdict = db
            .read()
            .query_one_raw(check)
            .await
            .expect("it is readable");
        let verdict: String = verdict
            .and_then(|row| row.try_get_by_index(0).ok())
            .expect("it has a verdict");
        assert_eq!(verdict, "ok", "cut at {cut}");
        let mut query = Query::select();
        query
            .columns(["id", "status"].map(Alias::new))
            .from(Alias::new("orders"));
        // Cut before the tables were made, it holds none.
        let rows = db.read().query_all(&query).await.unwrap_or_default();
        let orders = rows.iter().map(|row| {
            let id = row.try_get("", "id").expect("an id");
            (id, row.try_get("", "status").expect("a status"))
        });
        let orders = orders.collect();
        db.close().await.expect("it closes");
        orders
    }
}

/// What a customer was told.
#[derive(Clone, Copy, Debug)]
struct Told {
    order: Uuid,
    confirmed: bool,
}

impl Told {
    fn is_kept_in(self, orders: &HashMap<Uuid, i16>) -> bool {
        let status = orders.get(&self.order).copied().map(i32::from);
        status.is_some_and(|status| !self.confirmed || status == i32::from(OrderStatus::Confirmed))
    }
}

/// row: R-15, I9
#[tokio::test]
async fn no_cut_after_an_answer_loses_its_order() {
    let shop = Shop::up().await;
    let customer = shop.door.sign_in("customer@stoa.test", "stoa-demo").await;
    let folder = tempfile::tempdir().expect("temporary folder");
    let seed = u64::from_be_bytes(clock::Clock::system().random::<8>());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (mut told, mut cuts, mut lost) = (Vec::new(), 0, 0);
    for _ in 0..LOSSES_MAX {
        if cuts == CUTS {
            break;
        }
        told.extend(join_all((0..3).map(|_| order(&customer))).await);
        let told_at = Files::read(&shop).await;
        let pause = Duration::from_millis(random.random_range(20..300));
        let under_way = join_all((0..4).map(|_| order(&customer)));
        let (more, at_loss) = tokio::join!(under_way, async {
            sleep(pause).await;
            Files::read(&shop).await
        });
        // A checkpoint in between moved the log into the file: nothing to cut.
        if told_at.salts() == at_loss.salts() {
            let (first, last) = (told_at.written(), at_loss.written());
            for number in 0..CUTS_PER_LOSS {
                // Once nothing is left of what came after the answers.
                let cut = match number {
                    0 => first,
                    _ => random.random_range(first..=last),
                };
                let kept = at_loss.orders_after_cut(folder.path(), cut).await;
                let missing: Vec<_> = told.iter().filter(|told| !told.is_kept_in(&kept)).collect();
                assert!(
                    missing.is_empty(),
                    "cut at {cut} of {first}..{last}: {missing:?}"
                );
                // Anywhere: older orders may be gone, the file is whole all the same.
                let cut = random.random_range(0..first);
                let kept = at_loss.orders_after_cut(folder.path(), cut).await;
                lost += usize::from(told.iter().any(|told| !told.is_kept_in(&kept)));
                cuts += 1;
            }
        }
        told.extend(more);
    }
    println!(
        "{cuts} cuts after the last answer lost nothing; of {cuts} anywhere before it {lost} did, \
         as under NORMAL"
    );
    assert_eq!(cuts, CUTS, "the log was gone too often");
    let confirmed = told.iter().filter(|told| told.confirmed).count();
    assert!(
        confirmed * 2 > told.len(),
        "{confirmed} were told of the end"
    );
    assert!(
        lost > 0,
        "cuts before the answer lose its order, or this proves nothing"
    );
}

async fn order(customer: &Customer) -> Told {
    let answer = customer.place(SKU, 1, "tok_ok").await;
    let id = crate::crash::journal::order_of(&answer);
    let id = id.unwrap_or_else(|| panic!("{:?}", answer.bytes));
    Told {
        order: id.parse().expect("an id is a UUID"),
        confirmed: answer.json()["order"]["status"] == "ORDER_STATUS_CONFIRMED",
    }
}
