//! What the tests of three crates need: fresh databases on both engines, a real PostgreSQL, and
//! processes that can be killed.
//!
//! A dev-dependency only. It knows no service: a caller brings its own schema. Where something is
//! missing it fails and says what to do; it never skips.

pub mod database;
pub mod plans;
pub mod postgres;
pub mod process;
