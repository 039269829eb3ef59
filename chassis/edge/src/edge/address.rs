//! Where a call comes from, and whether one of our services handed it on: it says so by its token.

use std::net::IpAddr;

use bounds::{Client, ClientAddress, FORWARDER, forwarded};
use call::Caller;
use http::HeaderMap;

use super::identity::bearer;
use super::named::Named;
use crate::shared::Shared;

/// Where a call comes from.
pub(super) struct Origin {
    /// The address that it counts for. None if one of our services answers for it without saying where it is from.
    pub(super) address: Option<ClientAddress>,
    /// Whether one of our services handed it on, and has counted it.
    pub(super) handed_on: bool,
}

fn may_check(app: &Shared, address: ClientAddress, of_service: bool) -> bool {
    let address = Some(Client::Address(address));
    app.rates.token(address, of_service).is_ok()
}

/// Finds out. Whoever shows a token that does not make him one of our services is where he is.
pub(super) async fn origin(
    app: &Shared,
    headers: &mut HeaderMap,
    named: Named,
    peer: IpAddr,
) -> Origin {
    let own = app.proxies.client(peer, headers);
    let elsewhere = Origin {
        address: Some(own),
        handed_on: false,
    };
    if !named.maybe(&FORWARDER) {
        return elsewhere; // as nearly always
    }
    let (Some(token), Some(verifier)) = (headers.remove(FORWARDER), &app.verifier) else {
        return elsewhere;
    };
    let Some(token) = token.to_str().ok().and_then(bearer) else {
        return elsewhere;
    };
    let forwarder = match verifier.known(token) {
        Some(caller) => Some(caller),
        // It costs a signature as any other that was not seen before.
        None if !may_check(app, own, verifier.says_service(token)) => None,
        None => verifier.verify_service(token).await.ok(),
    };
    match forwarder {
        Some(Caller::Service { .. }) => Origin {
            address: forwarded(headers).next().flatten().map(ClientAddress::of),
            handed_on: true,
        },
        _ => elsewhere,
    }
}
