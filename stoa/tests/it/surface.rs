//! What is mounted: all of the contract but the list, on every port and by every protocol.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::fleet::Fleet;
use crate::shop::{Door, Shop};
use crate::wires::{self, WIRES, Wire};

const UNMOUNTED: &str = include_str!("../../../proto/unmounted.txt");

/// The rpcs of the contract that nobody has.
pub fn listed() -> BTreeSet<String> {
    let is_listed = |name: &str| UNMOUNTED.lines().any(|line| line.trim() == name);
    let rpcs = wires::rpcs().into_iter();
    rpcs.filter(|rpc| is_listed(rpc.full_name()) || is_listed(rpc.parent_service().full_name()))
        .map(|rpc| rpc.full_name().to_owned())
        .collect()
}

/// The code with which a port answers each rpc's empty request.
async fn codes(door: &Door, wire: Wire) -> BTreeMap<String, String> {
    let mut codes = BTreeMap::new();
    for rpc in wires::rpcs() {
        let reply = wire.call(door, &rpc, &json!({}), &[]).await;
        assert_ne!(reply.code, "no code", "{}: {reply:?}", rpc.full_name());
        codes.insert(rpc.full_name().to_owned(), reply.code);
    }
    codes
}

/// The rpcs that a port does not have.
async fn unimplemented(door: &Door, wire: Wire) -> BTreeSet<String> {
    let codes = codes(door, wire).await.into_iter();
    codes
        .filter(|(_, code)| code == "unimplemented")
        .map(|(rpc, _)| rpc)
        .collect()
}

/// row: P10
#[tokio::test]
async fn exactly_the_listed_rpcs_are_unimplemented_in_one_process() {
    let shop = Shop::up().await;
    let admin = shop.door.sign_in("admin@stoa.test", "stoa-demo").await;
    for wire in WIRES {
        assert_eq!(unimplemented(&admin.door, wire).await, listed(), "{wire:?}");
    }
}

/// A service's own port has its own rpcs and no others.
///
/// row: P10, G1
#[tokio::test]
async fn exactly_the_listed_rpcs_are_unimplemented_in_seven_processes() {
    let fleet = Fleet::start().await;
    let admin = fleet.gateway.sign_in("admin@stoa.test", "stoa-demo").await;
    for wire in [Wire::ConnectJson, Wire::Grpc] {
        let found = unimplemented(&admin.door, wire).await;
        assert_eq!(found, listed(), "gateway, {wire:?}");
        for service in migrations::services() {
            let mut door = fleet.door(service);
            door.token.clone_from(&admin.door.token);
            let own = format!("stoa.{service}.");
            for (rpc, code) in codes(&door, wire).await {
                let here = rpc.starts_with(&own);
                // What an admin may not call at all is not said to be elsewhere either.
                let denied = !here && code == "permission_denied";
                assert!(
                    denied || here != (code == "unimplemented"),
                    "{service}, {wire:?}: {rpc} answers {code}"
                );
            }
        }
    }
}
