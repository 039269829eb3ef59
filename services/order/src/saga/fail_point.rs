//! Places at which a test may kill the checkout, as a crash there would.
//!
//! A verdict of death ends every task of the driver at once and without a word, as a killed process
//! does; what is committed stays, what is under way at a peer goes on there. A test that kills the
//! process itself does so from within the hook. In production there is no hook and each place costs one
//! comparison.

use std::fmt;
use std::sync::Arc;

/// Where in the checkout it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailPoint {
    /// The order is accepted and committed; nobody drives it yet.
    Accepted,
    /// A peer is about to be asked.
    BeforeCall,
    /// The peer answered; nothing of it is taken in.
    AfterCall,
    /// The answer is taken in and the next step about to be asked for; nothing of it is saved.
    Ahead,
    /// The answer is written and about to be committed.
    BeforeCommit,
    /// The answer is committed; nothing of what follows has happened.
    AfterCommit,
    /// The checkout has awaited something, whatever that was, and is about to go on.
    Await,
}

/// Whether the checkout survives a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    Live,
    /// It is dead from here on.
    Die,
}

type Hook = dyn Fn(FailPoint, &'static str) -> Fate + Send + Sync;

/// What a test does at those places; by default nothing.
#[derive(Clone, Default)]
pub struct FailPoints(Option<Arc<Hook>>);

impl FailPoints {
    /// Asks `hook` at every place, with the name of the step or undo it is about.
    pub fn new(hook: impl Fn(FailPoint, &'static str) -> Fate + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// The verdict at a place.
    pub fn reach(&self, place: FailPoint, task: &'static str) -> Fate {
        match &self.0 {
            Some(hook) => hook(place, task),
            None => Fate::Live,
        }
    }
}

impl fmt::Debug for FailPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "FailPoints(hook)"
        } else {
            "FailPoints(none)"
        })
    }
}
