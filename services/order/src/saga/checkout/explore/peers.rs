//! The order's inventory and its payment: what they have done, and what they answer.

use super::{Reply, Sabotage, Step, Task, Undo};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goods {
    Untouched,
    Reserved,
    Expired,
    Committed,
    Released,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charge {
    Untouched,
    Captured,
    Declined,
    Refunded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peers {
    pub goods: Goods,
    pub charge: Charge,
    /// Whether there is a piece on sale.
    pub in_stock: bool,
    pub card_works: bool,
}

impl Peers {
    /// Has done nothing yet.
    pub fn new(in_stock: bool, card_works: bool) -> Self {
        Self {
            goods: Goods::Untouched,
            charge: Charge::Untouched,
            in_stock,
            card_works,
        }
    }

    /// Does what it is asked, as far as it will.
    pub fn ask(&mut self, task: Task, sabotage: Sabotage) -> Reply {
        let done = Reply::Done(None);
        match task {
            Task::Do(Step::ReserveInventory) => match self.goods {
                Goods::Untouched | Goods::Expired if self.in_stock => {
                    (self.goods, self.in_stock) = (Goods::Reserved, false);
                    done
                }
                Goods::Reserved | Goods::Committed => done,
                Goods::Untouched | Goods::Expired | Goods::Released => Reply::Refused,
            },
            Task::Do(Step::CommitInventory) => match self.goods {
                Goods::Reserved | Goods::Committed => {
                    self.goods = Goods::Committed;
                    done
                }
                Goods::Expired if self.in_stock => {
                    (self.goods, self.in_stock) = (Goods::Committed, false);
                    done
                }
                Goods::Untouched | Goods::Expired | Goods::Released => Reply::Refused,
            },
            Task::Do(_) => match self.charge {
                Charge::Untouched if self.card_works => {
                    self.charge = Charge::Captured;
                    done
                }
                Charge::Captured => done,
                Charge::Untouched | Charge::Declined => {
                    self.charge = Charge::Declined;
                    Reply::Refused
                }
                Charge::Refunded => Reply::Refused,
            },
            Task::Undo(Undo::ReleaseInventory) => {
                if matches!(self.goods, Goods::Reserved | Goods::Committed) {
                    self.in_stock = true;
                }
                let forgets =
                    sabotage == Sabotage::NoStockTombstone && self.goods == Goods::Untouched;
                self.goods = if forgets {
                    Goods::Untouched
                } else {
                    Goods::Released
                };
                done
            }
            Task::Undo(Undo::RefundPayment) => {
                let forgets =
                    sabotage == Sabotage::NoRefundTombstone && self.charge == Charge::Untouched;
                self.charge = if forgets {
                    Charge::Untouched
                } else {
                    Charge::Refunded
                };
                done
            }
        }
    }

    /// Whether goods are where an order that was bought, or was not, wants them, and money too.
    pub fn agree(&self, bought: bool) -> bool {
        let has_goods = matches!(self.goods, Goods::Reserved | Goods::Committed);
        let paid = self.charge == Charge::Captured;
        match bought {
            true => self.goods == Goods::Committed && paid,
            false => !has_goods && !paid,
        }
    }
}
