//! What a request is for, found once, before it is observed, guarded or counted: everybody after this asks here, and
//! nobody reads a path again. Another way to write a call down becomes another binding.

use std::sync::Arc;

use axum::body::Body;
use http::Request;

use super::named::Named;
use super::protocol::Protocol;
use crate::shared::{Route, Shared};

/// What was found.
#[derive(Clone)]
pub(crate) struct Resolved {
    pub(crate) protocol: Protocol,
    pub(crate) binding: Binding,
    /// Which headers it may have.
    pub(crate) named: Named,
}

/// How a request says what it is for.
#[derive(Clone)]
pub(crate) enum Binding {
    /// Its path is an rpc's, and its message stands where the protocol has it.
    Rpc(Arc<Route>),
    /// It is for a page or a probe; what such a path is called in logs and labels, where no id may stand.
    Page(&'static str),
}

/// Finds out.
pub(crate) fn resolve(app: &Shared, request: &Request<Body>) -> Resolved {
    let path = request.uri().path();
    Resolved {
        protocol: Protocol::of(request.method(), request.headers()),
        binding: match app.routes.get(path) {
            Some(route) => Binding::Rpc(route.clone()),
            None => Binding::Page(page_template(path)),
        },
        named: Named::of(request.headers()),
    }
}

impl Resolved {
    /// The rpc, if it is one.
    pub(crate) fn route(&self) -> Option<&Arc<Route>> {
        match &self.binding {
            Binding::Rpc(route) => Some(route),
            Binding::Page(_) => None,
        }
    }

    /// The rpc's path or the page's template.
    pub(crate) fn template(&self) -> &str {
        match &self.binding {
            Binding::Rpc(route) => &route.method.path,
            Binding::Page(template) => template,
        }
    }
}

/// A closed set, so that nobody makes a label by asking for a path.
fn page_template(path: &str) -> &'static str {
    match path {
        "/" => "/",
        "/healthz" => "/healthz",
        "/readyz" => "/readyz",
        "/health" => "/health",
        "/csp-reports" => "/csp-reports",
        _ if path.starts_with("/assets/") => "/assets/*",
        _ if path.starts_with("/shop/") => "/shop/*",
        _ if path.starts_with("/account/") => "/account/*",
        _ if path.starts_with("/docs/") => "/docs/*",
        _ => "/*",
    }
}
