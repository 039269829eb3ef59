//! What a test of a row of `docs/reliability.md` tells of its run, and the switch that breaks it on purpose: `just
//! security` reads the one and sets the other. A dev-dependency only, so no program has the switch.

use std::fmt::Display;
use std::time::Duration;

/// The variable that names the row which is broken on purpose.
const SABOTAGED: &str = "PROOF_SABOTAGED";

/// Whether this row is to be broken: a test then takes away what it tries, and must fail by [`must`]. One that does not
/// has proved nothing.
pub fn sabotaged(row: &str) -> bool {
    std::env::var_os(SABOTAGED).is_some_and(|named| named == row)
}

/// What a row says, at the place where its sabotage has to be noticed. A test that ends here says whose fault it is:
/// one that turned red by anything else, a port or a timeout, does not count as broken on purpose.
#[track_caller]
pub fn must(row: &str, holds: bool, otherwise: impl Display) {
    assert!(holds, "{row} is violated: {otherwise}");
}

/// How long a busy machine keeps anybody waiting, whoever else there is.
const BUSY: Duration = Duration::from_millis(50);

/// Within which time all but a hundredth stayed.
pub fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// How long whoever calls as one should may wait beside those who do not, p99, when it is so long without them: twice
/// that, or 50 ms.
pub fn beside(alone: Duration) -> Duration {
    BUSY.max(alone * 2)
}

/// Says how often a row was tried without a violation, and how many there may be: the end of a test that passed.
pub fn held(row: &str, trials: usize, bound: impl Display) {
    println!("{row}: {trials} trials, 0 violations, bound {bound}");
}
