//! Who may call what.

use call::{Caller, Role};
use proto::inventory::v1::{
    AdjustStockRequest, CheckAvailabilityRequest, CheckStockRequest, GetStockLevelRequest,
};
use testkit::both_engines;
use tonic::Code;

use crate::app::{TestApp, commit, items, order_id, release, reserve, service, user};

/// row: S-01, S-06
#[both_engines]
async fn only_whom_the_contract_names_gets_in(inventory: TestApp) {
    inventory.stock(&[("lamp", 5)]).await;
    let customer = user(&[Role::Customer]);
    for (caller, read, keep, reserve_code) in [
        (
            Caller::Anonymous,
            Code::Unauthenticated,
            Code::Unauthenticated,
            Code::Unauthenticated,
        ),
        (
            customer,
            Code::Ok,
            Code::PermissionDenied,
            Code::PermissionDenied,
        ),
        (
            user(&[Role::Operator]),
            Code::Ok,
            Code::Ok,
            Code::PermissionDenied,
        ),
        (
            user(&[Role::Admin]),
            Code::Ok,
            Code::PermissionDenied,
            Code::PermissionDenied,
        ),
        (
            service("gateway"),
            Code::Ok,
            Code::PermissionDenied,
            Code::PermissionDenied,
        ),
        (
            service("payment"),
            Code::PermissionDenied,
            Code::PermissionDenied,
            Code::PermissionDenied,
        ),
    ] {
        let mut client = inventory.client(caller.clone());
        let sku = || "lamp".to_owned();
        let check = client.check_stock(CheckStockRequest { sku: sku() }).await;
        let wanted = CheckAvailabilityRequest {
            items: items(&[("lamp", 1)]),
        };
        let available = client.check_availability(wanted).await;
        let level = client
            .get_stock_level(GetStockLevelRequest { sku: sku() })
            .await;
        let more = AdjustStockRequest {
            sku: sku(),
            delta: 1,
            reason: String::new(),
        };
        let adjust = client.adjust_stock(more).await;
        let order = order_id();
        let reserved = client.reserve_stock(reserve(&order, &[("lamp", 1)])).await;
        let committed = client.commit_stock(commit(&order)).await;
        let released = client.release_stock(release(&order)).await;

        let code = |error: Option<tonic::Status>| error.map_or(Code::Ok, |error| error.code());
        assert_eq!(code(check.err()), read, "CheckStock by {caller:?}");
        assert_eq!(
            code(available.err()),
            read,
            "CheckAvailability by {caller:?}"
        );
        assert_eq!(code(level.err()), keep, "GetStockLevel by {caller:?}");
        assert_eq!(code(adjust.err()), keep, "AdjustStock by {caller:?}");
        assert_eq!(
            code(reserved.err()),
            reserve_code,
            "ReserveStock by {caller:?}"
        );
        assert_eq!(
            code(committed.err()),
            reserve_code,
            "CommitStock by {caller:?}"
        );
        assert_eq!(
            code(released.err()),
            reserve_code,
            "ReleaseStock by {caller:?}"
        );
    }
    assert_eq!(inventory.counts("lamp").await, [6, 0, 0]);
}
