use std::time::{Duration, Instant};

use super::*;

fn cheap() -> PasswordConfig {
    PasswordConfig {
        memory_kib: 8,
        passes: 1,
        ..PasswordConfig::default()
    }
}

fn hasher(config: &PasswordConfig) -> Hasher {
    Hasher::new(config, Clock::system()).unwrap()
}

fn password(text: &str) -> Password {
    Password::presented(text)
}

/// row: X23
#[tokio::test]
async fn the_right_password_is_told_from_a_wrong_one() {
    let hasher = hasher(&cheap());
    let hash = hasher.hash(password("correct horse")).await.unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    let verify = |text| hasher.verify(password(text), Some(hash.clone()));
    assert_eq!(verify("correct horse").await.unwrap(), Verdict::Right);
    assert_eq!(verify("correct horsf").await.unwrap(), Verdict::Wrong);
}

#[tokio::test]
async fn each_hash_has_its_own_salt() {
    let hasher = hasher(&cheap());
    let first = hasher.hash(password("correct horse")).await.unwrap();
    assert_ne!(first, hasher.hash(password("correct horse")).await.unwrap());
}

#[tokio::test]
async fn the_cost_is_that_of_the_configuration() {
    let hash = hasher(&PasswordConfig::default())
        .hash(password("correct horse"))
        .await
        .unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

/// row: X23
#[tokio::test]
async fn a_hash_of_another_cost_is_replaced_at_sign_in() {
    let hash = hasher(&cheap())
        .hash(password("correct horse"))
        .await
        .unwrap();
    let dearer = hasher(&PasswordConfig {
        passes: 2,
        ..cheap()
    });
    let verdict = dearer
        .verify(password("correct horse"), Some(hash.clone()))
        .await
        .unwrap();
    let Verdict::Rehashed(replaced) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(replaced.as_str().starts_with("$argon2id$v=19$m=8,t=2,p=1$"));
    let verdict = dearer
        .verify(password("correct horse"), Some(replaced))
        .await
        .unwrap();
    assert_eq!(verdict, Verdict::Right);
    assert_eq!(
        dearer.verify(password("wrong"), Some(hash)).await.unwrap(),
        Verdict::Wrong
    );
}

/// After the cost has risen, a wrong password for an account whose hash is of the old cost takes
/// the work that it takes where there is no account.
///
/// row: X23, S-08
#[tokio::test]
async fn a_hash_of_a_lower_cost_tells_nobody_of_its_account() {
    let config = |memory_kib, passes| PasswordConfig {
        memory_kib,
        passes,
        ..PasswordConfig::default()
    };
    let dear = hasher(&config(256, 3));
    let work = async |hash: Option<PasswordHash>| {
        let before = dear.0.filled.load(Ordering::Relaxed);
        let verdict = dear.verify(password("wrong"), hash).await.unwrap();
        assert_eq!(verdict, Verdict::Wrong);
        dear.0.filled.load(Ordering::Relaxed) - before
    };
    let unknown = work(None).await;
    assert_eq!(unknown, 256 * 3);
    for (memory_kib, passes) in [(8, 1), (64, 1), (256, 2), (64, 3), (250, 3), (256, 3)] {
        let old = hasher(&config(memory_kib, passes));
        let hash = old.hash(password("correct horse")).await.unwrap();
        let known = work(Some(hash)).await;
        assert!(
            known.abs_diff(unknown) <= 24,
            "{memory_kib} × {passes}: {known}"
        );
    }
}

/// Where there is no account, the same work is done: the decoy has the same cost as a hash. The
/// fastest of many counts, since a busy machine only ever adds; without the decoy the ratio is a
/// hundred.
///
/// row: X23, S-08
#[tokio::test]
async fn an_unknown_account_takes_as_long() {
    let hasher = hasher(&PasswordConfig {
        memory_kib: 8192,
        passes: 1,
        ..cheap()
    });
    let hash = hasher.hash(password("correct horse")).await.unwrap();
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    for round in 0..40 {
        // Each kind goes first as often as second.
        for is_known in [round % 2 == 0, round % 2 == 1] {
            let (fastest, hash) = if is_known {
                (&mut known, Some(hash.clone()))
            } else {
                (&mut unknown, None)
            };
            let start = Instant::now();
            let verdict = hasher.verify(password("wrong"), hash).await.unwrap();
            *fastest = start.elapsed().min(*fastest);
            assert_eq!(verdict, Verdict::Wrong);
        }
    }
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{known:?} {unknown:?}");
}

/// row: S-08
#[tokio::test]
async fn a_full_queue_refuses() {
    let hasher = hasher(&PasswordConfig {
        concurrent_max: 1,
        queued_max: 2,
        ..cheap()
    });
    let running = hasher.permit().await.unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let hasher = hasher.clone();
                async move { hasher.hash(password("correct horse")).await }
            })
        })
        .collect();
    while hasher.0.queued.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    let refused = hasher.hash(password("correct horse")).await;
    assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
    drop(running);
    for waiter in waiting {
        waiter.await.unwrap().unwrap();
    }
    assert_eq!(hasher.0.queued.load(Ordering::Relaxed), 0);
    hasher.hash(password("correct horse")).await.unwrap();
}

#[tokio::test]
async fn a_digest_depends_on_password_and_salt() {
    let hasher = hasher(&cheap());
    let digest = |text, salt| hasher.digest(password(text), [salt; SALT_LEN]);
    let first = digest("correct horse", 1).await.unwrap();
    assert_eq!(first, digest("correct horse", 1).await.unwrap());
    assert_ne!(first, digest("correct horsf", 1).await.unwrap());
    assert_ne!(first, digest("correct horse", 2).await.unwrap());
}

/// row: X23
#[tokio::test]
async fn no_password_opens_an_account_without_one() {
    let hasher = hasher(&cheap());
    for text in ["", "correct horse"] {
        assert_eq!(
            hasher.verify(password(text), None).await.unwrap(),
            Verdict::Wrong
        );
    }
}
