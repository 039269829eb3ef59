//! The table of legal moves, written out once more and independently.

use money::Amount;

use super::*;
use uuid::Uuid;

fn order(status: Status) -> Order {
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    Order {
        id: OrderId(Uuid::nil()),
        customer_id: CustomerId(Uuid::nil()),
        status,
        end_reason: None,
        lines: Vec::new(),
        total: Amount::parse("EUR", 0).unwrap(),
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// row: D9
#[test]
fn every_move_is_legal_or_refused_and_a_refused_one_changes_nothing() {
    let legal = [
        "Pending>Paid",
        "Pending>Cancelling",
        "Pending>Rejected",
        "Paid>Confirmed",
        "Paid>Cancelling",
        "Confirmed>Cancelling",
        "Cancelling>Cancelled",
        "Cancelling>Rejected",
    ];
    let later = DateTime::from_timestamp(1_700_000_060, 0).unwrap();
    for from in Status::ALL {
        for to in Status::ALL {
            let (before, mut after) = (order(from), order(from));
            let moved = after.advance(to, Some(EndReason::CustomerRequest), later);
            if legal.contains(&format!("{from:?}>{to:?}").as_str()) {
                assert_eq!(moved, Ok(()));
                assert_eq!(
                    (after.status, after.version, after.updated_at),
                    (to, 2, later)
                );
            } else {
                assert_eq!(moved, Err(IllegalMove { from, to }));
                assert_eq!(after, before);
            }
        }
    }
}

#[test]
fn numbers_lead_back_to_their_names() {
    for status in Status::ALL {
        assert_eq!(Status::from_number(status as i16), Some(status));
    }
    for reason in EndReason::ALL {
        assert_eq!(EndReason::from_number(reason as i16), Some(reason));
    }
    assert_eq!(
        (Status::from_number(0), EndReason::from_number(7)),
        (None, None)
    );
}
