//! What tests against real servers share.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests fail tests")]

pub mod cluster;
pub mod engine;
pub mod wire;

/// True when the rig is up; where it is not, says so, and fails the test if it is required.
pub fn rig_is_up() -> bool {
    let is = |name: &str| std::env::var(name).is_ok_and(|value| value == "1");
    let up = is("PILOTHOUSE_RIG");
    if !up {
        assert!(!is("PILOTHOUSE_REQUIRE_RIG"), "a rig is required: `eval $(tests/rig/rig env)` after `rig up`");
        println!("skipped: no rig");
    }
    up
}
