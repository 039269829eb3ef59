//! The checkout saga: what happens between an accepted order and its end, whatever fails in between.
//!
//! `checkout` is the pure core that decides, over the steps in `step`; `change` makes rows of its commands; `driver` gives each
//! saga a `task` that carries the decisions out and takes over what a crash left, `stuck` notes what it could not;
//! `call` asks the peers.
//! This page is the table the core is tested against.
//!
//! # Steps
//!
//! | k | step              | asks                        | its undo                              |
//! |---|-------------------|-----------------------------|---------------------------------------|
//! | 0 | (accept)          | one transaction of our own  | REJECTED or CANCELLED, always last    |
//! | 1 | reserve-inventory | inventory `ReserveStock`    | release-inventory, `ReleaseStock`     |
//! | 2 | process-payment   | payment `ProcessPayment`    | refund-payment, `RefundPayment`       |
//! | 3 | commit-inventory  | inventory `CommitStock`     | release-inventory, `ReleaseStock`     |
//! | 4 | confirm-order     | one transaction of our own  | none: nothing can fail after it       |
//!
//! Step 4 asks nobody, so it is taken in the transaction that records the answer of step 3.
//!
//! # What is saved when
//!
//! A driver saves what an answer made of the saga before it asks for more, but for one case: a step that
//! was taken. That may wait for the next answer, 50 ms at most, and is saved together with it, so a fast
//! checkout is two commits, its acceptance and its end. An undo, another try and an end are saved first.
//! So a row that says `do k` may be behind: steps after k may have been asked for as well, even answered.
//! Only its driver knows better; whoever else goes by the row, to take the saga over or to cancel the
//! order, takes every later step for asked. For a driver that does not know yet that another goes on,
//! the same holds: it finds out when it writes, and can ask for steps alone until then.
//!
//! # States and events
//!
//! `do k` is "step k is asked for and not answered", `undo [..]` is "these undos are still to be done,
//! the first one is asked for", `rest` is "nothing is pending". An undo of step k gives k's own effect
//! back and then those of k−1 … 1; release-inventory serves steps 1 and 3 and is asked for once. `r` is
//! the last step that may have been asked for: k, but 3 once a driver was lost. The first attempt at a
//! step up to `r` counts as a later one.
//!
//! | status, saga             | event                         | status, saga                                  | tells the world            |
//! |--------------------------|-------------------------------|-----------------------------------------------|----------------------------|
//! | –                        | accepted                      | PENDING, do 1                                 | order.created              |
//! | PENDING, do 1            | done                          | PENDING, do 2                                 |                            |
//! | PENDING, do 1            | refused, first attempt        | REJECTED (OUT_OF_STOCK), rest                 | order.rejected             |
//! | PENDING, do 1            | refused, later attempt        | PENDING, undo [r … 1]                         |                            |
//! | PENDING, do 2            | done                          | PAID, do 3                                    | order.paid                 |
//! | PENDING, do 2            | refused, first attempt        | PENDING, undo [release]                       |                            |
//! | PENDING, do 2            | refused, later attempt        | PENDING, undo [r … 1]                         |                            |
//! | PAID, do 3               | done                          | CONFIRMED, rest                               | order.confirmed            |
//! | PAID, do 3               | refused, first attempt        | CANCELLING, undo [refund, release]            | order.cancellation_started |
//! | PAID, do 3               | refused, later attempt        | CANCELLING, undo [release, refund]            | order.cancellation_started |
//! | any, do k                | failed, budget left           | the same, do k, next attempt later            |                            |
//! | any, do k                | failed, budget spent          | as refused at a later attempt                 | likewise                   |
//! | any, do k                | resumed, budget left          | the same, do k, next attempt now, r = 3       |                            |
//! | any, do k                | resumed, budget spent         | as refused at a later attempt, r = 3          | likewise                   |
//! | PENDING or PAID, do k    | cancel asked                  | CANCELLING, undo [release, refund]            | order.cancellation_started |
//! | PENDING, undo [..]       | cancel asked                  | CANCELLING, the same undos                    | order.cancellation_started |
//! | CONFIRMED, rest          | cancel asked, within 24 h     | CANCELLING, undo [release, refund]            | order.cancellation_started |
//! | CONFIRMED, rest          | cancel asked, later           | refused: `failed_precondition`                |                            |
//! | REJECTED, rest           | cancel asked                  | refused: `failed_precondition`                |                            |
//! | CANCELLING or CANCELLED  | cancel asked                  | unchanged: repeating has the same effect      |                            |
//! | any, undo [u, more ..]   | done                          | the same, undo [more ..]                      |                            |
//! | PENDING, undo [u]        | done                          | REJECTED, rest                                | order.rejected             |
//! | CANCELLING, undo [u]     | done                          | CANCELLED, or REJECTED if stock was lost      | order.cancelled, .rejected |
//! | any, undo [..]           | refused, failed or resumed    | the same, next attempt later: until done      |                            |
//! | any                      | an answer to what is not      | unchanged: late, doubled or overtaken answers |                            |
//! |                          | asked for any more            | are already paid for by an undo               |                            |
//!
//! A refusal is certain, and its own step needs no undo, only when it answers the first attempt: an
//! earlier attempt whose answer was lost may still take effect after a later one was refused. A crash
//! counts as a lost answer, so `resumed` starts a new attempt, of this step and of those after it. One attempt of a step is one request: the
//! transport sends the saga's calls once and leaves trying again to the saga, so that no second copy of
//! a refused first attempt can arrive after the refusal. (The search in `checkout/explore.rs` finds the
//! lost reservation if it could.)
//!
//! A refusal of step 1 ends as OUT_OF_STOCK, of step 2 as PAYMENT_DECLINED, of step 3 as
//! RESERVATION_EXPIRED; a spent budget likewise, except that step 2 ends as PAYMENT_UNAVAILABLE.
//!
//! # What each undo assumes of the peer
//!
//! * Every call carries the order's id, and the peer keys its effect by it: twice is once.
//! * `ReleaseStock` before its `ReserveStock` is remembered, and the late reserve is refused; a released
//!   reservation cannot be committed. After `CommitStock` it puts the goods back on sale.
//! * `RefundPayment` before its `ProcessPayment` is remembered, and the late charge is refused; with
//!   nothing captured it succeeds with amount 0.
//! * Neither undo has a business reason to refuse, so a refusal is treated as a fault and asked again,
//!   at most 10 s later, until it is done.
//!
//! Therefore an undo may be asked for while its step is still on its way, in any order, any number of
//! times, and the result is the same.

pub mod call;
pub mod change;
pub mod checkout;
pub mod driver;
pub mod fail_point;
pub mod record;
pub mod step;
mod stuck;
mod task;
