//! Who verifies whom. Within a process a caller travels as a type; between
//! processes services show a token of their own, and everyone verifies people's
//! tokens with the keys that the user service publishes, or the issuer of the
//! configuration's list whose they are.

use std::sync::Arc;

use futures::FutureExt;
use peers::{Local, Peers};
use proto::user::v1::GetJwksRequest;
use proto::user::v1::auth_service_client::AuthServiceClient;
use token::{FetchKeys, Keys, PublicKey, TrustedIssuer, Verifier};

use super::{Base, jwks};
use crate::services::{SERVICES, Target};
use crate::{config, keys};

/// A verifier, and the keys that must be kept fresh for it.
pub struct Verifying {
    pub verifier: Verifier,
    pub people: Keys,
    pub keys: Vec<Keys>,
}

/// For all services in one process: no service token is taken at the door.
///
/// # Errors
///
/// An issuer's certificates that cannot be used.
pub fn within_process(base: &Base, people: FetchKeys) -> Result<Verifying, config::Error> {
    verifying(base, people, Keys::fixed([]), None)
}

/// For one target of many: service tokens are taken that name it.
///
/// # Errors
///
/// As [`within_process`].
pub fn between_processes(
    base: &Base,
    target: Target,
    people: FetchKeys,
) -> Result<Verifying, config::Error> {
    let config = base.config.clone();
    let services = Keys::fetched(Arc::new(move || {
        let config = config.clone();
        async move { keys::public(&config).map_err(|error| format!("{error:#}")) }.boxed()
    }));
    verifying(base, people, services, Some(target.name()))
}

fn verifying(
    base: &Base,
    people: FetchKeys,
    services: Keys,
    audience: Option<&str>,
) -> Result<Verifying, config::Error> {
    let issuers = base.config.issuers.iter().map(jwks::trusted);
    let issuers: Vec<TrustedIssuer> = issuers.collect::<Result<_, _>>()?;
    let people = Keys::fetched(people);
    let mut keys = vec![people.clone(), services.clone()];
    keys.extend(issuers.iter().map(TrustedIssuer::keys));
    let clock = base.clock.clone();
    let verifier = Verifier::trusting(issuers, clock, people.clone(), services, audience);
    Ok(Verifying {
        verifier,
        people,
        keys,
    })
}

/// Not ready before the keys of people's tokens are known: until then every
/// token would be refused.
pub fn with_keys_check(service: edge::Service, verifying: &Verifying) -> edge::Service {
    let people = verifying.people.clone();
    service.ready("signing keys", move || {
        let ready = people.is_ready();
        async move {
            match ready {
                true => Ok(()),
                false => Err("the user service has not told them yet".to_owned()),
            }
        }
        .boxed()
    })
}

/// The keys of people's tokens, from the user service.
pub fn fetched_people(peers: &Peers) -> FetchKeys {
    // It is asked at most once a second, and until it has answered no call is let in.
    let client = AuthServiceClient::new(peers.channel(user::NAME).paced());
    Arc::new(move || {
        let mut client = client.clone();
        async move {
            let answer = client.get_jwks(GetJwksRequest {}).await;
            let answer = answer
                .map_err(|status| status.message().to_owned())?
                .into_inner();
            let parsed = answer
                .keys
                .iter()
                .map(|key| PublicKey::from_jwk(&key.kid, &key.x));
            parsed
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| "the key set has no keys of ours".to_owned())
        }
        .boxed()
    })
}

/// The peers of a service of this process, all in it.
///
/// # Errors
///
/// A mistake in the program.
pub fn local_peers(base: &Base, name: &'static str, local: &Local) -> anyhow::Result<Peers> {
    let mut builder = Peers::builder(name, base.clock.clone(), local.clone());
    for slice in SERVICES.iter() {
        let set = base.config.peers.get(slice.name);
        let set = set.and_then(|peer| peer.timeout);
        if let Some(timeout) = set.or(config::usual_timeout(slice.name)) {
            builder = builder.timeout(slice.name, timeout);
        }
    }
    Ok(builder.contract(Base::contract()?).build())
}

/// The peers of one target, each at its address, called under its own key.
///
/// # Errors
///
/// A peer without an address, or a key that cannot be used.
pub fn remote_peers(base: &Base, target: Target) -> anyhow::Result<Peers> {
    base.config.check_peers(target)?;
    let key = keys::own(&base.config, target.name())?;
    let nobody = Local::new();
    let mut builder = Peers::builder(target.name(), base.clock.clone(), nobody)
        .contract(Base::contract()?)
        .signer(Arc::new(key));
    let open = base.config.general.breaker_open();
    for (name, peer) in &base.config.peers {
        if let Some(timeout) = peer.timeout.or(config::usual_timeout(name)) {
            builder = builder.timeout(name, timeout);
        }
        if let Some(source) = &peer.url {
            builder = builder
                .at(name, source.clone())
                .policy(name, peer.policy(open));
        }
    }
    Ok(builder.build())
}
