//! A peer in the same process: no socket, no token, the same edge with the same rules.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::Response;
use call::Caller;
use edge::{App, LocalCaller};
use http::{Request, Version};

/// The app of this process, known once every service in it has been built.
#[derive(Clone, Default)]
pub struct Local(Arc<OnceLock<App>>);

impl Local {
    /// A place for the app that is still being put together.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the app. Later calls change nothing.
    pub fn set(&self, app: App) {
        // Setting twice would be a second composition root in one process.
        let _ = self.0.set(app);
    }

    /// Calls the app as `caller`. None before it is set. Whatever extensions the request
    /// carried are dropped: a socket would not have carried them either.
    pub(crate) async fn call(&self, request: Request<Body>, caller: Caller) -> Option<Response> {
        let app = self.0.get()?;
        let (mut parts, body) = request.into_parts();
        parts.extensions.clear();
        parts.extensions.insert(LocalCaller(caller));
        parts.version = Version::HTTP_2;
        Some(app.handle(Request::from_parts(parts, body)).await)
    }
}
