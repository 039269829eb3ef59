//! What the catalog knows of the products whose pages are asked for, for a moment.
//!
//! A page must not wait for the catalog, nor fail with it, and a crawler must not be able to
//! make one call of each request. Of one SKU, answers are kept for some seconds, those of
//! unknown products as well and silence more briefly, and whoever asks while somebody asks
//! already waits for the same answer. Of different SKUs, only so many are asked for at once:
//! the page of one more goes without its head.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use peers::{Channel, Peers};
use proto::catalog::v1::BatchGetProductsRequest;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use super::head::Head;

/// How long a page waits to hear what it is about.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long an answer is good.
const AGE_MAX: Duration = Duration::from_secs(30);
/// How long nobody asks again when there was none.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// How many products the catalog is asked for at once, by all pages together.
const ASKING_MAX: usize = 16;
/// How many answers are kept; each is less than 4 KiB.
const HEADS_MAX: usize = 1000;
/// The longest SKU of the contract.
const SKU_MAX: usize = 64;

/// The heads of product pages, as the catalog told them.
#[derive(Clone)]
pub(super) struct Products {
    catalog: CatalogServiceClient<Channel>,
    heads: Arc<Heads>,
}

/// What is known of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is sold, and this is its head.
    Sold(Arc<Head>),
    /// There is no such product.
    Nowhere,
    /// The catalog did not say in time, or was not asked.
    Unsure,
}

impl Products {
    pub(super) fn new(peers: &Peers) -> Self {
        Self {
            catalog: CatalogServiceClient::new(peers.channel("catalog")),
            heads: Arc::default(),
        }
    }

    /// What is known of the product with that SKU, within [`PATIENCE`].
    pub(super) async fn find(&self, sku: &str) -> Known {
        match is_sku(sku) {
            true => self.heads.find(Instant::now(), sku, self.ask(sku)).await,
            false => Known::Nowhere,
        }
    }

    /// Asks the catalog, as the gateway: the answer is for everyone.
    async fn ask(&self, sku: &str) -> HeadResult {
        let request = BatchGetProductsRequest {
            skus: vec![sku.to_owned()],
            ..BatchGetProductsRequest::default()
        };
        let answer = self.catalog.clone().batch_get_products(request).await?;
        let product = answer.into_inner().products.pop();
        Ok(product.map(Head::from))
    }
}

/// What the catalog said: no head is no product.
type HeadResult = Result<Option<Head>, Status>;

/// What was heard in the last moment, by SKU.
struct Heads {
    heard: Mutex<HashMap<String, Heard>>,
    asking: Semaphore,
}

/// What is known, or what somebody is asking.
struct Heard {
    since: Instant,
    known: Arc<OnceCell<Known>>,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            heard: Mutex::default(),
            asking: Semaphore::new(ASKING_MAX),
        }
    }
}

impl Heads {
    /// What is kept, else what comes of `ask`. Of many at once one asks; if that one leaves,
    /// the next does.
    async fn find(&self, now: Instant, sku: &str, ask: impl Future<Output = HeadResult>) -> Known {
        let deadline = now + PATIENCE;
        let known = self.place(now, sku);
        let hearing = known.get_or_init(|| self.hear(deadline, ask));
        match timeout_at(deadline, hearing).await {
            Ok(known) => known.clone(),
            Err(_) => Known::Unsure,
        }
    }

    /// What comes of `ask`, if not too many ask already. This gives up by itself, and not
    /// with its page, so that the silence is remembered.
    async fn hear(&self, deadline: Instant, ask: impl Future<Output = HeadResult>) -> Known {
        let Ok(_asking) = self.asking.try_acquire() else {
            tracing::debug!(peer = "catalog", "Too many pages ask for their heads");
            return Known::Unsure;
        };
        match timeout_at(deadline, ask).await {
            Ok(Ok(Some(head))) => Known::Sold(Arc::new(head)),
            Ok(Ok(None)) => Known::Nowhere,
            Ok(Err(status)) => {
                tracing::warn!(peer = "catalog", code = ?status.code(), "A page goes without its head");
                Known::Unsure
            }
            Err(_) => {
                tracing::warn!(peer = "catalog", "A page did not wait for its head");
                Known::Unsure
            }
        }
    }

    /// The place for what is known, the one there is or a new one instead of the oldest.
    fn place(&self, now: Instant, sku: &str) -> Arc<OnceCell<Known>> {
        let mut heads = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = heads.get(sku)
            && heard.is_good(now)
        {
            return heard.known.clone();
        }
        if heads.len() >= HEADS_MAX && !heads.contains_key(sku) {
            let oldest = heads.iter().min_by_key(|(_, heard)| heard.since);
            if let Some(oldest) = oldest.map(|(sku, _)| sku.clone()) {
                heads.remove(&oldest);
            }
        }
        let heard = Heard {
            since: now,
            known: Arc::default(),
        };
        let known = heard.known.clone();
        heads.insert(sku.to_owned(), heard);
        known
    }
}

impl Heard {
    fn is_good(&self, now: Instant) -> bool {
        let age_max = match self.known.get() {
            Some(Known::Sold(_) | Known::Nowhere) => AGE_MAX,
            Some(Known::Unsure) | None => SILENCE_MAX,
        };
        now.saturating_duration_since(self.since) < age_max
    }
}

/// Whether a product could have this SKU, by the rule of CreateProduct.
fn is_sku(text: &str) -> bool {
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    begins && text.len() <= SKU_MAX && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;

    use futures::future::join_all;

    use super::*;

    /// An `ask` that counts itself and answers a moment later.
    async fn answers(asked: &Cell<usize>, answer: HeadResult) -> HeadResult {
        asked.set(asked.get() + 1);
        tokio::task::yield_now().await;
        answer
    }

    #[tokio::test]
    async fn one_asks_for_all_and_the_answer_is_good_for_a_while() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        let ask = |now| heads.find(now, "A", answers(&asked, Ok(None)));
        let both = tokio::join!(ask(now), ask(now));
        assert_eq!(both, (Known::Nowhere, Known::Nowhere));
        ask(now + AGE_MAX / 2).await;
        assert_eq!(asked.get(), 1, "what is unknown is kept as well");
        ask(now + AGE_MAX).await;
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_kept_for_a_moment() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        let away = answers(&asked, Err(Status::unavailable("away")));
        assert_eq!(heads.find(now, "A", away).await, Known::Unsure);
        let ask = |now| heads.find(now, "A", answers(&asked, Ok(None)));
        assert_eq!(ask(now + SILENCE_MAX / 2).await, Known::Unsure);
        assert_eq!(asked.get(), 1);
        assert_eq!(ask(now + SILENCE_MAX).await, Known::Nowhere);
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn silence_is_kept_for_a_moment() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        assert_eq!(heads.find(now, "A", pending()).await, Known::Unsure);
        let ask = |now| heads.find(now, "A", answers(&asked, Ok(None)));
        assert_eq!(ask(now + SILENCE_MAX / 2).await, Known::Unsure);
        assert_eq!(
            asked.get(),
            0,
            "the page's own end did not end the question"
        );
        assert_eq!(ask(now + SILENCE_MAX).await, Known::Nowhere);
    }

    #[tokio::test]
    async fn who_leaves_holds_nobody_up() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        let leaves = tokio::time::timeout(Duration::ZERO, heads.find(now, "A", pending()));
        let waits = heads.find(now, "A", answers(&asked, Ok(None)));
        let (left, waited) = tokio::join!(leaves, waits);
        assert!(left.is_err(), "it never hears");
        assert_eq!((waited, asked.get()), (Known::Nowhere, 1));
        assert_eq!(heads.asking.available_permits(), ASKING_MAX);
    }

    #[tokio::test]
    async fn a_crawler_makes_only_so_many_calls_at_once_and_waits_no_longer() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        let skus: Vec<_> = (0..500).map(|number| format!("X-{number}")).collect();
        let never = || async {
            asked.set(asked.get() + 1);
            pending().await
        };
        let pages = skus.iter().map(|sku| heads.find(now, sku, never()));
        let all = tokio::time::timeout(10 * PATIENCE, join_all(pages)).await;
        let all = all.expect("every page is answered in good time");
        assert!(all.iter().all(|known| *known == Known::Unsure));
        assert_eq!(asked.get(), ASKING_MAX);
        let next = heads.find(Instant::now(), "Y", answers(&asked, Ok(None)));
        assert_eq!(next.await, Known::Nowhere, "they made way");
    }

    #[tokio::test]
    async fn no_crawler_fills_the_memory() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        for number in 0..HEADS_MAX + 10 {
            let sku = format!("NO-{number}");
            let now = now + Duration::from_millis(number as u64);
            heads.find(now, &sku, answers(&asked, Ok(None))).await;
        }
        let kept = heads.heard.lock().unwrap();
        assert_eq!(kept.len(), HEADS_MAX);
        assert!(!kept.contains_key("NO-0") && kept.contains_key("NO-10"));
    }

    #[test]
    fn only_what_could_be_a_sku_is_asked_for() {
        for sku in ["LMP-ARC-01", "a", "0_.-", &"x".repeat(64)] {
            assert!(is_sku(sku), "{sku}");
        }
        for other in ["", "-x", "a/b", "a%20b", "é", "a b", &"x".repeat(65)] {
            assert!(!is_sku(other), "{other}");
        }
    }
}
