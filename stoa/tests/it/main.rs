//! Stories across services: the very binary that users run, started, asked,
//! killed and audited.

mod access_log;
mod bombs;
mod commands;
mod crash;
mod drain;
mod fleet;
mod foreign;
mod hashes;
mod heads;
mod health;
mod hops;
mod keys;
mod load;
mod objects;
mod outage;
mod pages;
mod people;
mod power;
mod production;
mod protected;
mod pruned;
mod purchase;
mod reflection;
mod replay;
mod schemas;
mod secrets;
mod shop;
mod shutdown;
mod small;
mod strangers;
mod structure;
mod surface;
mod traces;
mod watches;
mod wires;
