//! Replicas that come and go.

use std::net::IpAddr;
use std::sync::Arc;

use endpoints::{Choice, Dns, Resolve, Source, Standing};

use crate::registry::{Registry, set, standings};

fn hosts<T>(set: &endpoints::Endpoints<T>) -> Vec<String> {
    standings(set).into_iter().map(|(host, _)| host).collect()
}

const ANY: Choice<'_> = Choice {
    random: 0,
    not: None,
    repeatable: true,
};

/// row: L1, L6
#[tokio::test(start_paused = true)]
async fn those_that_are_found_are_asked_and_those_that_go_are_not() {
    let registry = Arc::new(Registry::default());
    let set = set(Source::Resolved(registry.clone()));
    // Nobody knows yet: a call waits for the first answer, not for ever.
    assert!(set.pick(ANY, |_| 0).await.is_none());
    registry.tell(Some(&["b", "a", "b"]));
    let picked = set.pick(ANY, |_| 0).await;
    assert_eq!(picked.expect("it is known by now").address().host(), "a");
    assert_eq!(hosts(&set), ["a", "b"]);
    let mut lost = set.pick(ANY, |_| 0).await.unwrap();
    lost.lost();
    registry.tell(Some(&["a", "b", "c"]));
    registry.asked(3).await;
    assert_eq!(hosts(&set), ["a", "b", "c"]);
    assert!(
        matches!(standings(&set)[0].1, Standing::Ejected(_)),
        "who stays is what it was"
    );
    // Who fails, or knows nobody, changes nothing.
    for (asked, told) in [(4, None), (5, Some(&[][..]))] {
        registry.tell(told);
        registry.asked(asked).await;
        assert_eq!(hosts(&set), ["a", "b", "c"]);
    }
    registry.tell(Some(&["c"]));
    registry.asked(6).await;
    assert_eq!(hosts(&set), ["c"]);
    // Nobody is asked any more when nobody calls.
    drop((set, lost));
    tokio::time::sleep(3 * registry.pause()).await;
    assert_eq!(Arc::strong_count(&registry), 1);
}

/// row: L1
#[tokio::test]
async fn a_name_has_all_its_addresses() {
    let dns = Dns::new("localhost:5000".parse().unwrap());
    let found = dns.resolve().await.unwrap();
    assert!(!found.is_empty());
    for address in found {
        let number: IpAddr = address.host().parse().unwrap();
        assert!(number.is_loopback());
        assert_eq!(address.port(), 5000);
    }
    let dns = Dns::new("nobody.invalid:5000".parse().unwrap());
    dns.resolve().await.unwrap_err();
}
