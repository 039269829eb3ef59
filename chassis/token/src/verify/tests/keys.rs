//! Where keys come from, and how often they are asked for.

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::jwks::KeySet;
use crate::keys::{FetchKeys, Pace, PublicKey, WAITING_MAX};

/// Keys that come when a test says so, and a verifier that asks for them.
pub(super) struct Source {
    asked: Arc<AtomicUsize>,
    answers: mpsc::UnboundedSender<Result<Vec<PublicKey>, String>>,
    keys: Keys,
    pub(super) verifier: Verifier,
    clock: Clock,
}

/// Times by which a test need not wait.
pub(super) const PACE: Pace = Pace {
    age_max: Duration::from_secs(60),
    interval_min: Duration::from_millis(500),
    retry: Duration::from_millis(100),
    fetch_max: Duration::from_secs(60),
};

pub(super) fn source(pace: Pace) -> Source {
    let (clock, _manual) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let (answers, coming) = mpsc::unbounded_channel();
    let coming = Arc::new(tokio::sync::Mutex::new(coming));
    let asked = Arc::new(AtomicUsize::new(0));
    let fetch: FetchKeys = {
        let asked = asked.clone();
        Arc::new(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let coming = coming.clone();
            Box::pin(async move { coming.lock().await.recv().await.unwrap() })
        })
    };
    let keys = Keys::build(KeySet::default(), Some(fetch), pace);
    let verifier = Verifier::new(clock.clone(), keys.clone(), Keys::fixed([]), None);
    Source {
        asked,
        answers,
        keys,
        verifier,
        clock,
    }
}

type Verified = Result<Caller, Unverified>;

impl Source {
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn answer(&self, answer: Result<Vec<PublicKey>, String>) {
        self.answers.send(answer).unwrap();
    }

    fn token(&self, key: &SigningKey) -> String {
        let claims = AccessClaims::new(customer(), Uuid::nil(), self.clock.now());
        key.sign_access(&claims).unwrap()
    }

    /// Somebody in a task of their own who has this token.
    fn presents(&self, token: &str) -> JoinHandle<Verified> {
        let (verifier, token) = (self.verifier.clone(), token.to_owned());
        tokio::spawn(async move { verifier.verify(&token).await })
    }

    fn stranger(&self, kid: &str) -> JoinHandle<Verified> {
        self.presents(&self.token(&SigningKey::generate(kid).unwrap()))
    }

    /// What is said to a token without waiting for anything.
    fn at_once(&self, key: &SigningKey) -> Option<Verified> {
        self.verifier.verify(&self.token(key)).now_or_never()
    }
}

/// Lets others go on until something is so.
async fn until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it never is");
        tokio::task::yield_now().await;
    }
}

/// row: S-03, G4
#[tokio::test]
async fn unknown_key_ids_cause_one_fetch_an_interval_and_new_keys_are_found() {
    let source = source(PACE);
    let key = SigningKey::generate("new").unwrap();
    let made_up = |kid: usize| SigningKey::generate(&kid.to_string()).unwrap();
    let strangers: Vec<SigningKey> = (0..100).map(made_up).collect();
    let first = source.presents(&source.token(&key));
    source.answer(Ok(Vec::new()));
    assert_eq!(first.await.unwrap(), Err(Unverified::Bad));
    for stranger in &strangers {
        assert_eq!(source.at_once(stranger), Some(Err(Unverified::Bad)));
    }
    assert_eq!(source.asked(), 1);
    tokio::time::sleep(PACE.interval_min).await;
    source.answer(Ok(vec![key.public()]));
    let found = source.presents(&source.token(&key));
    assert_eq!(found.await.unwrap(), Ok(Caller::User(customer())));
    assert_eq!(source.asked(), 2);
}

/// Names that no key can have, and heads that no key could make good, are refused before anybody
/// is asked for a key.
///
/// row: S-02, S-03
#[tokio::test]
async fn key_ids_of_strangers_cause_no_fetch_and_ours_may_be_long() {
    let (clock, _manual) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let name = format!("{}_-9", "k".repeat(61));
    let ours = SigningKey::generate(&name).unwrap();
    let public = vec![ours.public()];
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = fetches.clone();
    let fetch: FetchKeys = Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let public = public.clone();
        Box::pin(async move { Ok(public) })
    });
    let (people, services) = (Keys::fetched(fetch), Keys::fixed([]));
    let verifier = Verifier::new(clock.clone(), people, services, None);
    let claims = AccessClaims::new(customer(), Uuid::nil(), clock.now());
    let long = "k".repeat(65);
    for stranger in ["", "../../dev/null", "' OR 1=1", "ключ", &long] {
        let key = SigningKey::generate(stranger).unwrap();
        let token = key.sign_access(&claims).unwrap();
        let verified = verifier.verify(&token).await;
        assert_eq!(verified, Err(Unverified::Bad), "{stranger}");
    }
    let bench = bench();
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("RS256")),
        ("typ", json!("JWT")),
        ("crit", json!(["b64"])),
    ] {
        let mut head = header();
        head["kid"] = json!("made-up");
        head[name] = value;
        let token = bench.sign(head.clone(), &bench.good());
        let verified = verifier.verify(&token).await;
        assert_eq!(verified, Err(Unverified::Bad), "{head}");
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 0);
    let token = ours.sign_access(&claims).unwrap();
    assert_eq!(ours.kid(), name);
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

/// row: G4
#[tokio::test]
async fn keys_are_kept_fresh_and_asked_for_again_soon_only_where_they_did_not_come() {
    let age_max = Duration::from_secs(2);
    let source = source(Pace { age_max, ..PACE });
    let key = SigningKey::generate("k1").unwrap();
    assert!(!source.keys.is_ready());
    let keeping = tokio::spawn(source.keys.clone().keep_fresh());
    until(|| source.asked() == 1).await;
    source.answer(Err("absent".to_owned()));
    let failed = Instant::now();
    source.answer(Ok(vec![key.public()]));
    until(|| source.keys.is_ready()).await;
    assert!(failed.elapsed() >= PACE.retry, "asked again at once");
    assert_eq!(source.asked(), 2);
    // A stranger makes them fresh meanwhile, so they are good for as long once more.
    tokio::time::sleep(PACE.interval_min).await;
    source.answer(Ok(vec![key.public()]));
    let stranger = source.stranger("made-up");
    assert_eq!(stranger.await.unwrap(), Err(Unverified::Bad));
    let fresh = Instant::now();
    until(|| source.asked() == 4).await;
    assert!(fresh.elapsed() >= age_max, "after {:?}", fresh.elapsed());
    source.answer(Ok(Vec::new()));
    until(|| !source.keys.is_ready()).await;
    let verified = source.verifier.verify(&source.token(&key)).await;
    assert_eq!(verified, Err(Unverified::Bad), "it was taken back");
    keeping.abort();
}

/// row: S-03, G4
#[tokio::test]
async fn one_fetch_is_for_all_who_wait_and_its_failure_too() {
    let source = source(PACE);
    let ours = SigningKey::generate("ours").unwrap();
    let honest = source.presents(&source.token(&ours));
    let waiting: Vec<_> = (0..50)
        .map(|kid| source.stranger(&kid.to_string()))
        .collect();
    until(|| source.keys.waiting() == 51).await;
    source.answer(Ok(vec![ours.public()]));
    assert_eq!(honest.await.unwrap(), Ok(Caller::User(customer())));
    for stranger in waiting {
        assert_eq!(stranger.await.unwrap(), Err(Unverified::Bad));
    }
    assert_eq!(source.asked(), 1);

    tokio::time::sleep(PACE.interval_min).await;
    let waiting: Vec<_> = (0..50)
        .map(|kid| source.stranger(&kid.to_string()))
        .collect();
    until(|| source.keys.waiting() == 50).await;
    // A fetch may take longer than the time between two: that begins when it ends.
    tokio::time::sleep(PACE.interval_min).await;
    source.answer(Err("away".to_owned()));
    for stranger in waiting {
        assert_eq!(stranger.await.unwrap(), Err(Unverified::Unchecked));
    }
    let next = SigningKey::generate("next").unwrap();
    assert_eq!(source.at_once(&next), Some(Err(Unverified::Unchecked)));
    assert_eq!(source.at_once(&ours), Some(Ok(Caller::User(customer()))));
    assert_eq!(source.asked(), 2, "its failure is asked for once");

    tokio::time::sleep(PACE.interval_min).await;
    let found = source.presents(&source.token(&next));
    until(|| source.asked() == 3).await;
    source.answer(Ok(vec![ours.public(), next.public()]));
    assert_eq!(found.await.unwrap(), Ok(Caller::User(customer())));
}

/// row: S-03, G4
#[tokio::test]
async fn who_leaves_takes_the_keys_from_nobody() {
    let source = source(PACE);
    let ours = SigningKey::generate("ours").unwrap();
    let first = source.stranger("made-up");
    until(|| source.asked() == 1).await;
    let honest = source.presents(&source.token(&ours));
    until(|| source.keys.waiting() == 2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    until(|| source.keys.waiting() == 1).await;
    source.answer(Ok(vec![ours.public()]));
    assert_eq!(honest.await.unwrap(), Ok(Caller::User(customer())));
    assert_eq!(source.asked(), 1);
}

/// Not even all who wait together: what was asked for is there for whoever comes next.
///
/// row: S-03, G4
#[tokio::test]
async fn keys_come_though_nobody_waits_any_more() {
    let source = source(PACE);
    let ours = SigningKey::generate("ours").unwrap();
    let only = source.presents(&source.token(&ours));
    until(|| source.asked() == 1).await;
    only.abort();
    assert!(only.await.unwrap_err().is_cancelled());
    source.answer(Ok(vec![ours.public()]));
    until(|| source.keys.is_ready()).await;
    assert_eq!(source.at_once(&ours), Some(Ok(Caller::User(customer()))));
    assert_eq!(source.asked(), 1);
}

/// row: S-03, G4
#[tokio::test]
async fn keys_that_do_not_come_are_waited_for_only_so_long() {
    let fetch_max = Duration::from_millis(50);
    let source = source(Pace { fetch_max, ..PACE });
    let begun = Instant::now();
    let waiting = [source.stranger("a"), source.stranger("b")];
    for stranger in waiting {
        assert_eq!(stranger.await.unwrap(), Err(Unverified::Unchecked));
    }
    assert!(begun.elapsed() >= fetch_max);
    assert_eq!(source.asked(), 1);
}

/// row: S-03, G4
#[tokio::test]
async fn a_key_that_is_known_is_waited_for_by_nobody() {
    let age_max = Duration::from_millis(1);
    let source = source(Pace { age_max, ..PACE });
    let ours = SigningKey::generate("ours").unwrap();
    source.answer(Ok(vec![ours.public()]));
    let first = source.presents(&source.token(&ours));
    assert_eq!(first.await.unwrap(), Ok(Caller::User(customer())));
    tokio::time::sleep(PACE.interval_min).await; // they are old by now
    assert_eq!(source.at_once(&ours), Some(Ok(Caller::User(customer()))));
    let stranger = source.stranger("made-up");
    until(|| source.asked() == 2).await;
    // Another token of the same key, so that it is not merely remembered.
    let claims = AccessClaims::new(customer(), Uuid::from_u128(1), source.clock.now());
    let token = ours.sign_access(&claims).unwrap();
    let verified = source.verifier.verify(&token).now_or_never();
    assert_eq!(verified, Some(Ok(Caller::User(customer()))));
    assert_eq!(source.keys.waiting(), 1);
    stranger.abort();
}

/// row: S-03, S-11
#[tokio::test]
async fn strangers_who_wait_are_so_many_and_no_more() {
    let source = source(PACE);
    let ours = SigningKey::generate("ours").unwrap();
    let mut waiting: Vec<_> = (0..WAITING_MAX)
        .map(|kid| source.stranger(&kid.to_string()))
        .collect();
    until(|| source.keys.waiting() == WAITING_MAX).await;
    assert_eq!(source.at_once(&ours), Some(Err(Unverified::Unchecked)));
    let one = waiting.pop().unwrap();
    one.abort();
    until(|| source.keys.waiting() < WAITING_MAX).await;
    let honest = source.presents(&source.token(&ours));
    until(|| source.keys.waiting() == WAITING_MAX).await;
    source.answer(Ok(vec![ours.public()]));
    assert_eq!(honest.await.unwrap(), Ok(Caller::User(customer())));
    for stranger in waiting {
        assert_eq!(stranger.await.unwrap(), Err(Unverified::Bad));
    }
    assert_eq!((source.asked(), source.keys.waiting()), (1, 0));
}

/// row: G4
#[tokio::test]
async fn a_fetch_that_panics_is_one_that_failed() {
    let (clock, _manual) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let key = SigningKey::generate("k1").unwrap();
    let (public, first) = (key.public(), Arc::new(AtomicUsize::new(0)));
    let fetch: FetchKeys = Arc::new(move || {
        assert_ne!(first.fetch_add(1, Ordering::SeqCst), 0, "the first one");
        let public = public.clone();
        Box::pin(async move { Ok(vec![public]) })
    });
    let keys = Keys::build(KeySet::default(), Some(fetch), PACE);
    let verifier = Verifier::new(clock.clone(), keys.clone(), Keys::fixed([]), None);
    let claims = AccessClaims::new(customer(), Uuid::nil(), clock.now());
    let token = key.sign_access(&claims).unwrap();
    assert_eq!(verifier.verify(&token).await, Err(Unverified::Unchecked));
    let keeping = tokio::spawn(keys.clone().keep_fresh());
    until(|| keys.is_ready()).await;
    assert!(verifier.verify(&token).await.is_ok());
    keeping.abort();
}

/// row: G4
#[test]
fn a_public_key_reads_back_from_its_jwk() {
    let key = SigningKey::generate("k1").unwrap();
    let public = key.public();
    assert_eq!(PublicKey::from_jwk("k1", &public.x()), Some(public.clone()));
    assert_eq!(PublicKey::from_jwk("k1", "AAAA"), None, "too short");
    assert_eq!(PublicKey::from_jwk("k1", &"!".repeat(43)), None);
    let again = SigningKey::from_pkcs8("k1", key.pkcs8()).unwrap();
    assert_eq!(again.public(), public);
    assert!(SigningKey::from_pkcs8("k1", &public.bytes).is_err());
}
