//! Backends for frontends: one module for each kind of client, one file for each page.

pub mod web;
