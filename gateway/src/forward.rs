//! Passing calls through: an rpc of `stoa.<context>.v1` goes unchanged to its service, whatever
//! protocol it speaks. Nothing of a body is read here.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use call::{CORRELATION_ID, Call, Code, ConnectError};
use contract::Method;
use edge::Forward;
use http::header::{CONNECTION, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Request};
use peers::{Channel, Peers};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Carries each rpc to the service of its context, if it is one of these.
pub fn forward(peers: &Peers, services: impl Iterator<Item = &'static str>) -> Forward {
    let channels: HashMap<&str, Channel> = services
        .map(|service| (service, peers.channel(service)))
        .collect();
    let channels = Arc::new(channels);
    Forward(Arc::new(move |method, request| {
        let channel = channels.get(&*method.context).cloned();
        Box::pin(async move {
            match channel {
                Some(channel) => pass(channel, &method, request).await,
                None => edge::refuse(ConnectError::new(
                    Code::Unimplemented,
                    "No service answers this rpc yet",
                )),
            }
        })
    }))
}

async fn pass(channel: Channel, method: &Method, request: Request<Body>) -> Response {
    let (mut parts, body) = request.into_parts();
    let Some(call) = parts.extensions.remove::<Call>() else {
        let error = ConnectError::new(Code::Internal, "the call did not come through the edge");
        return edge::refuse(error);
    };
    strip(&mut parts.headers);
    let passed = channel.forward(method, &call, Request::from_parts(parts, body));
    match passed.await {
        Ok(mut response) => {
            strip_hop(response.headers_mut());
            response.headers_mut().remove(CORRELATION_ID); // the edge here writes its own
            response.into_response()
        }
        Err(status) => edge::refuse(ConnectError::from(status)),
    }
}

/// Takes out what is about the connection to the client, and every header by which
/// somebody might pretend to be somebody.
fn strip(headers: &mut HeaderMap) {
    strip_hop(headers);
    let identity: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            name == "x-user-id" || name == "x-roles" || name.starts_with("x-auth-")
        })
        .cloned()
        .collect();
    for name in identity {
        headers.remove(name);
    }
}

fn strip_hop(headers: &mut HeaderMap) {
    let trailers = headers.get(TE).is_some_and(|value| value == "trailers");
    let named = headers.get_all(CONNECTION).iter();
    let named = named.filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> = named
        .flat_map(|names| names.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_CONNECTION,
        TRANSFER_ENCODING,
        UPGRADE,
        TE,
    ] {
        headers.remove(name);
    }
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers")); // gRPC asks for it
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: G5, S-04
    #[test]
    fn nobody_can_say_who_they_are_by_a_header() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-user-id",
            "x-roles",
            "x-auth-subject",
            "connection",
            "te",
            "accept",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
        }
        strip(&mut headers);
        assert_eq!(
            headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(),
            ["accept"]
        );
    }

    /// In either direction, whichever way it is written.
    #[test]
    fn what_a_connection_keeps_for_itself_goes_no_further() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, X-One"),
            ("connection", " x-two ,,"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("te", "trailers"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        strip_hop(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["te", "x-three"]);
    }
}
