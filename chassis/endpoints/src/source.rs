//! How it is set where a peer is.

use std::str::FromStr;
use std::sync::Arc;

use http::Uri;

use crate::address::Address;
use crate::resolve::{Dns, Resolve};

/// Where the replicas of a peer are.
#[derive(Clone, Debug)]
pub enum Source {
    /// At one address, `http://host:port`: whatever is behind it balances.
    One(Address),
    /// At these, `static://a:5000,b:5000`.
    Several(Vec<Address>),
    /// Wherever somebody says who is asked again and again, as for `dns://name:5000`.
    Resolved(Arc<dyn Resolve>),
}

/// A setting that says nothing.
#[derive(Debug, thiserror::Error)]
#[error("is not of the form http://host:port, static://a:5000,b:5000 or dns://name:5000")]
pub struct BadSource;

impl FromStr for Source {
    type Err = BadSource;

    fn from_str(text: &str) -> Result<Self, BadSource> {
        let one = |text: &str| text.parse::<Address>().map_err(|_| BadSource);
        match text.split_once("://").ok_or(BadSource)? {
            ("http", _) => {
                let uri: Uri = text.parse().map_err(|_| BadSource)?;
                // What follows `#` it drops unseen.
                let plain =
                    matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
                let authority = uri.authority().filter(|_| plain).ok_or(BadSource)?;
                one(authority.as_str()).map(Self::One)
            }
            ("static", list) => {
                let mut all = Vec::new();
                for text in list.split(',') {
                    let address = one(text.trim())?;
                    if !all.contains(&address) {
                        all.push(address);
                    }
                }
                Ok(match <[Address; 1]>::try_from(all) {
                    Ok([address]) => Self::One(address),
                    Err(all) => Self::Several(all),
                })
            }
            ("dns", name) => one(name).map(|name| Self::Resolved(Arc::new(Dns::new(name)))),
            _ => Err(BadSource),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: C10, L5
    #[test]
    fn a_source_names_hosts_with_their_ports() {
        for (good, shown) in [
            ("http://127.0.0.1:5004", "One"),
            ("http://inventory:5000/", "One"),
            ("static://a:5000", "One"),
            ("static://a:5000, [::1]:5000", "Several"),
            ("dns://order.production.svc.cluster.local:5000", "Resolved"),
        ] {
            let source: Source = good.parse().expect(good);
            assert!(format!("{source:?}").starts_with(shown), "{source:?}");
        }
        for bad in [
            "",
            "inventory",
            "inventory:5000",
            "http://inventory",
            "http://inventory:0",
            "https://a:1",
            "http://a:1/x",
            "http://a:1/?x",
            "http://me@a:1",
            "http://a:1#b",
            "http://a:1#me@b:1",
            "static://",
            "static://a",
            "static://a:1,,b:1",
            "static://a:1/x",
            "dns://a",
            "dns://:1",
            "consul://a:1",
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad:?}");
        }
    }
}
