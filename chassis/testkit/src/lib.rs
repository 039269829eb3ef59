//! What the tests of three crates need: fresh databases on both engines, a real PostgreSQL, and
//! processes that can be killed.
//!
//! A dev-dependency only. It knows no service: a caller brings its own schema. Where something is
//! missing it fails and says what to do; it never skips.

pub mod database;
mod note;
pub mod plans;
pub mod postgres;
pub mod process;

use clock::Clock;
use peers::{Local, Peers};
use slice::Deps;
use sql::Database;
use sql::page::Signer;
use tokio_util::sync::CancellationToken;

/// What a service under test is given, with nobody to call.
pub fn deps(db: &Database, clock: &Clock) -> Deps {
    Deps {
        db: db.clone(),
        peers: Peers::builder(db.service(), clock.clone(), Local::new()).build(),
        clock: clock.clone(),
        page_signer: Signer::new([7; 32]),
        shutdown: CancellationToken::new(),
    }
}
