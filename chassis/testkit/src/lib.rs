//! What the tests of three crates need: fresh databases on both engines, a real PostgreSQL, a service
//! behind its edge, and processes that can be killed.
//!
//! A dev-dependency only. It knows no service: a caller brings its own schema. Where something is
//! missing it fails and says what to do; it never skips.

pub mod app;
pub mod awaits;
pub mod database;
mod metered;
pub mod nats;
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

pub use app::App;
pub use metered::Metered;
pub use sql::Engine;
pub use testkit_macros::both_engines;

/// What a test begins with, on one engine.
pub trait Fixture: Sized {
    /// Makes it.
    fn on(engine: Engine) -> impl Future<Output = Self>;
}

/// For a test that makes what it begins with in a way of its own.
impl Fixture for Engine {
    async fn on(engine: Engine) -> Self {
        engine
    }
}

/// Makes what a test begins with; what [`both_engines`] calls.
pub async fn on<T: Fixture>(engine: Engine) -> T {
    T::on(engine).await
}

/// What a service under test is given, with nobody to call.
pub fn deps(db: &Database, clock: &Clock) -> Deps {
    Deps {
        db: db.clone(),
        bus: Default::default(),
        peers: Peers::builder(db.service(), clock.clone(), Local::new()).build(),
        clock: clock.clone(),
        page_signer: Signer::new([7; 32]),
        shutdown: CancellationToken::new(),
    }
}
