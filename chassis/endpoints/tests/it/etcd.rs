//! A resolver that does not ship: `docs/discovery.md` shows this file.

use std::sync::Arc;
use std::time::Duration;

use endpoints::{Address, Resolve, Source, Unresolved};
use futures::FutureExt;
use futures::future::BoxFuture;

/// The values of all keys below a prefix, `host:port` each. Replicas keep them alive by leases of their own.
#[derive(Debug)]
struct Etcd<C> {
    client: C,
    prefix: String,
}

/// What is needed of a client, such as `POST /v3/kv/range` of etcd's own gateway to HTTP.
trait Range: std::fmt::Debug + Send + Sync {
    fn values(&self, prefix: &str) -> BoxFuture<'_, Result<Vec<String>, Unresolved>>;
}

impl<C: Range> Resolve for Etcd<C> {
    fn resolve(&self) -> BoxFuture<'_, Result<Vec<Address>, Unresolved>> {
        async {
            let values = self.client.values(&self.prefix).await?;
            let parsed = values.iter().map(|value| value.parse());
            Ok(parsed.collect::<Result<_, _>>()?)
        }
        .boxed()
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(1)
    }
}

#[derive(Debug)]
struct Stored(&'static [&'static str]);

impl Range for Stored {
    fn values(&self, prefix: &str) -> BoxFuture<'_, Result<Vec<String>, Unresolved>> {
        assert_eq!(prefix, "/stoa/order/");
        let values = self.0.iter().map(|value| (*value).to_owned()).collect();
        async { Ok(values) }.boxed()
    }
}

/// row: L4
#[tokio::test]
async fn another_registry_is_one_impl() {
    let source = |stored| {
        let prefix = "/stoa/order/".to_owned();
        let client = Stored(stored);
        Source::Resolved(Arc::new(Etcd { client, prefix }))
    };
    let set = endpoints::Endpoints::new("order", source(&["a:5000", "b:5000"]), None, |_| ());
    let choice = endpoints::Choice {
        random: 0,
        not: None,
        repeatable: true,
    };
    assert!(set.pick(choice, |()| 0).await.is_some());
    assert_eq!(crate::registry::standings(&set).len(), 2);
    let shown = include_str!("../../../../docs/discovery.md");
    for other in ["Eureka", "Cloud Map"] {
        assert!(shown.contains(other), "{other} is said something of");
    }
    let (_, code) = shown.split_once("```rust\n").expect("it shows code");
    let (code, _) = code.split_once("```").expect("which ends");
    assert!(include_str!("etcd.rs").contains(code), "it shows this file");
}
