//! The target that `FUZZ_TARGET` names, as libFuzzer calls it: a panic ends the program, also one that somebody else
//! would catch.

#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fuzz::Check> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    fuzz::target(&name).expect("there is such a target")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
