//! The edge over real sockets, driven the way clients of each protocol drive it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where by a panic"
)]

mod access;
mod client;
mod connections;
mod cors;
mod crowd;
mod deadlines;
mod faults;
mod floods;
mod guard;
mod head;
mod health;
mod limits;
mod observed;
mod panics;
mod protocols;
mod rates;
mod reflection;
mod refused;
mod server;
mod start;
mod steps;
mod stop;
mod unread;
mod unreadable;
mod upgrades;
