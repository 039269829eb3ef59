//! What the catalog knows of the products whose pages are asked for, for a moment.
//!
//! A page must not wait for the catalog, nor fail with it, and a crawler must not be able to
//! make one call of each request: answers are kept for some seconds, those of unknown
//! products as well, and whoever asks while somebody asks already waits for the same answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use peers::{Channel, Peers};
use proto::catalog::v1::BatchGetProductsRequest;
use proto::catalog::v1::catalog_service_client::CatalogServiceClient;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use tonic::Status;

use super::head::Head;

/// How long a page waits to hear what it is about.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long an answer is good.
const AGE_MAX: Duration = Duration::from_secs(30);
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
pub(super) enum Known {
    /// It is sold, and this is its head.
    Sold(Arc<Head>),
    /// There is no such product.
    Nowhere,
    /// The catalog did not say in time.
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
        if !is_sku(sku) {
            return Known::Nowhere;
        }
        let hearing = self.heads.get_or(Instant::now(), sku, self.ask(sku));
        match tokio::time::timeout(PATIENCE, hearing).await {
            Ok(Ok(Some(head))) => Known::Sold(head),
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

    /// Asks the catalog, as the gateway: the answer is for everyone.
    async fn ask(&self, sku: &str) -> Result<Answer, Status> {
        let request = BatchGetProductsRequest {
            skus: vec![sku.to_owned()],
            ..BatchGetProductsRequest::default()
        };
        let answer = self.catalog.clone().batch_get_products(request).await?;
        let product = answer.into_inner().products.pop();
        Ok(product.map(|product| Arc::new(Head::from(product))))
    }
}

/// What the catalog said: no head is no product.
type Answer = Option<Arc<Head>>;

/// The answers of the last moment, by SKU.
#[derive(Default)]
struct Heads(Mutex<HashMap<String, Heard>>);

/// An answer, or a question that somebody is asking.
struct Heard {
    since: Instant,
    answer: Arc<OnceCell<Answer>>,
}

impl Heads {
    /// The answer that is kept, else that of `ask`. Of many at once one asks; if that one
    /// fails or leaves, the next does. A failure is not kept.
    async fn get_or(
        &self,
        now: Instant,
        sku: &str,
        ask: impl Future<Output = Result<Answer, Status>>,
    ) -> Result<Answer, Status> {
        let answer = self.place(now, sku);
        answer.get_or_try_init(|| ask).await.cloned()
    }

    /// The place for an answer, the one there is or a new one instead of the oldest.
    fn place(&self, now: Instant, sku: &str) -> Arc<OnceCell<Answer>> {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = heads.get(sku)
            && now.saturating_duration_since(heard.since) < AGE_MAX
        {
            return heard.answer.clone();
        }
        if heads.len() >= HEADS_MAX && !heads.contains_key(sku) {
            let oldest = heads.iter().min_by_key(|(_, heard)| heard.since);
            if let Some(oldest) = oldest.map(|(sku, _)| sku.clone()) {
                heads.remove(&oldest);
            }
        }
        let heard = Heard {
            since: now,
            answer: Arc::default(),
        };
        let answer = heard.answer.clone();
        heads.insert(sku.to_owned(), heard);
        answer
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

    use super::*;

    /// An `ask` that counts itself and answers a moment later.
    async fn answers(asked: &Cell<u32>, answer: Result<Answer, Status>) -> Result<Answer, Status> {
        asked.set(asked.get() + 1);
        tokio::task::yield_now().await;
        answer
    }

    #[tokio::test]
    async fn one_asks_for_all_and_the_answer_is_good_for_a_while() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        let ask = |now| heads.get_or(now, "A", answers(&asked, Ok(None)));
        let (first, second) = tokio::join!(ask(now), ask(now));
        assert_eq!((first.unwrap(), second.unwrap()), (None, None));
        ask(now + AGE_MAX / 2).await.unwrap();
        assert_eq!(asked.get(), 1, "what is unknown is kept as well");
        ask(now + AGE_MAX).await.unwrap();
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept_and_who_leaves_holds_nobody_up() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        let away = answers(&asked, Err(Status::unavailable("away")));
        assert!(heads.get_or(now, "A", away).await.is_err());
        let leaves = async {
            let asking = heads.get_or(now, "A", std::future::pending());
            tokio::time::timeout(Duration::from_millis(1), asking).await
        };
        let waits = heads.get_or(now, "A", answers(&asked, Ok(None)));
        let (left, waited) = tokio::join!(leaves, waits);
        assert!(left.is_err(), "it never hears");
        assert_eq!((waited.unwrap(), asked.get()), (None, 2));
    }

    #[tokio::test]
    async fn no_crawler_fills_the_memory() {
        let (heads, asked, now) = (Heads::default(), Cell::new(0), Instant::now());
        for number in 0..HEADS_MAX + 10 {
            let (sku, now) = (
                format!("NO-{number}"),
                now + Duration::from_nanos(number as u64),
            );
            let answer = heads.get_or(now, &sku, answers(&asked, Ok(None)));
            answer.await.unwrap();
        }
        let kept = heads.0.lock().unwrap();
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
