//! The steps of the checkout, each beside what undoes it.

use crate::domain::order::EndReason;

/// A step of the checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Sets the goods aside.
    ReserveInventory = 1,
    /// Takes the money.
    ProcessPayment = 2,
    /// Turns the goods set aside into goods sold.
    CommitInventory = 3,
    /// Tells the customer; asks nobody.
    ConfirmOrder = 4,
}

/// What gives the effect of a step back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Undo {
    /// Puts reserved or sold goods back on sale.
    ReleaseInventory = 1,
    /// Gives the money back.
    RefundPayment = 2,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 4] = [
        Self::ReserveInventory,
        Self::ProcessPayment,
        Self::CommitInventory,
        Self::ConfirmOrder,
    ];

    /// The last that asks somebody.
    pub const LAST_ASKED: Self = Self::CommitInventory;

    /// The step's name in the timeline.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReserveInventory => "reserve-inventory",
            Self::ProcessPayment => "process-payment",
            Self::CommitInventory => "commit-inventory",
            Self::ConfirmOrder => "confirm-order",
        }
    }

    /// What gives its effect back.
    pub fn undo(self) -> Option<Undo> {
        match self {
            Self::ReserveInventory | Self::CommitInventory => Some(Undo::ReleaseInventory),
            Self::ProcessPayment => Some(Undo::RefundPayment),
            Self::ConfirmOrder => None,
        }
    }

    /// The end of an order whose peer refused this step.
    pub(super) fn reason_if_refused(self) -> EndReason {
        match self {
            Self::ReserveInventory => EndReason::OutOfStock,
            Self::ProcessPayment => EndReason::PaymentDeclined,
            Self::CommitInventory | Self::ConfirmOrder => EndReason::ReservationExpired,
        }
    }

    /// The end of an order whose peer stayed away for the whole budget.
    pub(super) fn reason_if_unavailable(self) -> EndReason {
        match self {
            Self::ProcessPayment => EndReason::PaymentUnavailable,
            Self::ReserveInventory | Self::CommitInventory | Self::ConfirmOrder => {
                self.reason_if_refused()
            }
        }
    }

    /// The undos of this step and of all before it, last step first, each once.
    pub fn undos_from_here(self) -> Vec<Undo> {
        undos(Self::ALL.into_iter().filter(|step| *step <= self))
    }

    /// The undos of all steps before this one.
    pub(super) fn undos_before(self) -> Vec<Undo> {
        undos(Self::ALL.into_iter().filter(|step| *step < self))
    }
}

/// Undos of `steps` in reverse; one that serves two steps is asked for once, at the later of them.
fn undos(steps: impl DoubleEndedIterator<Item = Step>) -> Vec<Undo> {
    let mut undos = Vec::with_capacity(2);
    for undo in steps.rev().filter_map(Step::undo) {
        if !undos.contains(&undo) {
            undos.push(undo);
        }
    }
    undos
}

impl Undo {
    /// The undo's name in the timeline.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReleaseInventory => "release-inventory",
            Self::RefundPayment => "refund-payment",
        }
    }

    /// The undo of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::ReleaseInventory, Self::RefundPayment]
            .into_iter()
            .find(|undo| undo.name() == name)
    }
}

/// What a peer is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// Take a step.
    Do(Step),
    /// Give a step's effect back.
    Undo(Undo),
}

impl Task {
    /// The task's name in the timeline.
    pub fn name(self) -> &'static str {
        match self {
            Self::Do(step) => step.name(),
            Self::Undo(undo) => undo.name(),
        }
    }
}
