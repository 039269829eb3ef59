//! Where keys come from, and how often they are asked for.

use super::*;

/// row: S-03, G4
#[tokio::test]
async fn unknown_key_ids_cause_one_fetch_an_interval_and_new_keys_are_found() {
    let (clock, _manual) = Manual::new(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let interval = Duration::from_secs(2);
    let fetches = Arc::new(AtomicUsize::new(0));
    let keys = Arc::new(std::sync::Mutex::new(Vec::new()));
    let fetch: FetchKeys = {
        let (fetches, keys) = (fetches.clone(), keys.clone());
        Arc::new(move || {
            fetches.fetch_add(1, Ordering::SeqCst);
            let keys = keys.lock().unwrap().clone();
            Box::pin(async move { Ok(keys) })
        })
    };
    let verifier = Verifier::new(
        clock.clone(),
        Keys::build(HashMap::new(), Some(fetch), interval),
        Keys::fixed([]),
        None,
    );
    let key = SigningKey::generate("new").unwrap();
    let claims = AccessClaims::new(customer(), Uuid::nil(), clock.now());
    let token = key.sign_access(&claims).unwrap();
    for _ in 0..1000 {
        assert_eq!(verifier.verify(&token).await, None);
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    keys.lock().unwrap().push(key.public());
    tokio::time::sleep(interval).await;
    assert_eq!(
        verifier.verify(&token).await,
        Some(Caller::User(customer()))
    );
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
}

/// Names that no key can have are refused before anybody is asked for it.
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
        assert_eq!(verifier.verify(&token).await, None, "{stranger}");
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 0);
    let token = ours.sign_access(&claims).unwrap();
    assert_eq!(ours.kid(), name);
    assert!(verifier.verify(&token).await.is_some());
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
}

/// row: G4
#[tokio::test]
async fn keys_are_kept_fresh_and_asked_for_again_soon_only_where_they_did_not_come() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = fetches.clone();
    let fetch: FetchKeys = Arc::new(move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        let key = SigningKey::generate("k1").unwrap().public();
        let answer = if first {
            Err("absent".into())
        } else {
            Ok(vec![key])
        };
        Box::pin(async move { answer })
    });
    let keys = Keys::fetched(fetch);
    assert!(!keys.is_ready());
    let keeping = tokio::spawn(keys.clone().keep_fresh());
    let begun = Instant::now();
    while !keys.is_ready() {
        assert!(begun.elapsed() < Duration::from_secs(10), "they never come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() >= FETCH_RETRY, "asked again at once");
    assert_eq!(keys.refresh(FETCH_INTERVAL_MIN).await, FETCH_INTERVAL_MIN);
    tokio::time::sleep(FETCH_RETRY + Duration::from_millis(100)).await;
    assert_eq!(
        fetches.load(Ordering::SeqCst),
        2,
        "they are good for a while"
    );
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
