//! Issuers that are trusted beside the user service, and where their keys are: `[[identity.issuers]]`.

use std::path::PathBuf;

use config_rs::{Value, ValueKind};
use http::Uri;
use serde::Deserialize;
use token::{ISSUER, Issuer, SigningAlgorithm};

use super::layers::{Table, refused};
use super::{Error, Profile, list};

/// The most issuers there may be: the keys of each are kept fresh, and asked for apart.
const ISSUERS_MAX: usize = 32;
/// The longest name, audience or claim, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// An identity provider, one of the list.
#[derive(Clone, Debug)]
pub struct IdentityProvider {
    /// Which of its tokens count.
    pub rules: Issuer,
    /// Where it publishes its keys: https, in `dev` http too.
    pub jwks: Uri,
    /// File with the certificates, in PEM, of those who may vouch for it. Default: those of the web.
    pub ca: Option<PathBuf>,
    /// The entry's place in the configuration, `identity.issuers.0`.
    pub key: String,
}

/// An entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    issuer: Option<String>,
    jwks: Option<String>,
    audience: Option<String>,
    #[serde(default = "usual_algorithms", deserialize_with = "list::strings")]
    algorithms: Vec<String>,
    #[serde(default = "usual_claim")]
    subject_claim: String,
    ca: Option<PathBuf>,
}

fn usual_algorithms() -> Vec<String> {
    vec![SigningAlgorithm::EdDsa.as_str().to_owned()]
}

fn usual_claim() -> String {
    "sub".to_owned()
}

/// The file's list is made a table, by places from 0, so that variables may add to its entries:
/// `STOA_IDENTITY__ISSUERS__0__AUDIENCE`.
pub(super) fn spread(table: &mut Table) -> Result<(), Error> {
    let Some(mut identity) = section(table)? else {
        return Ok(());
    };
    if let Some(issuers) = identity.remove("issuers") {
        let issuers = match issuers.kind {
            ValueKind::Array(entries) => {
                let places = entries.into_iter().enumerate();
                let places = places.map(|(place, entry)| (place.to_string(), entry));
                Value::new(None, places.collect::<Table>())
            }
            _ => return Err(Error::new("identity.issuers", "must be a list of tables")),
        };
        identity.insert("issuers".to_owned(), issuers);
    }
    table.insert("identity".to_owned(), Value::new(None, identity));
    Ok(())
}

/// Takes the section.
///
/// # Errors
/// An entry that is not whole, or says what another says.
pub(super) fn take(table: &mut Table) -> Result<Vec<IdentityProvider>, Error> {
    let Some(mut identity) = section(table)? else {
        return Ok(Vec::new());
    };
    let issuers = identity.remove("issuers").map(Value::into_table);
    if let Some(key) = identity.keys().next() {
        return Err(Error::new(format!("identity.{key}"), "is no setting"));
    }
    let issuers = issuers.transpose();
    let issuers = issuers.map_err(|error| refused("identity.issuers", &error))?;
    let mut entries = Vec::new();
    for (place, entry) in issuers.unwrap_or_default() {
        let key = format!("identity.issuers.{place}");
        let place: usize = place
            .parse()
            .map_err(|_bad| Error::new(&key, "is no place in a list, which are 0, 1 and so on"))?;
        entries.push((place, key, entry));
    }
    if entries.len() > ISSUERS_MAX {
        let reason = format!("has more than {ISSUERS_MAX} entries");
        return Err(Error::new("identity.issuers", reason));
    }
    entries.sort_by_key(|(place, ..)| *place);
    let mut all: Vec<IdentityProvider> = Vec::new();
    for (_, key, entry) in entries {
        let entry: Entry = entry
            .try_deserialize()
            .map_err(|error| refused(&key, &error))?;
        let provider = read(key, entry)?;
        let name = &provider.rules.name;
        if all.iter().any(|other| other.rules.name == *name) {
            let key = format!("{}.issuer", provider.key);
            return Err(Error::new(key, "is on the list already"));
        }
        all.push(provider);
    }
    Ok(all)
}

/// Refuses what `production` does not bear.
///
/// # Errors
/// Keys that anybody on the way could exchange.
pub(super) fn check(issuers: &[IdentityProvider], profile: Profile) -> Result<(), Error> {
    let secure = |one: &&IdentityProvider| one.jwks.scheme_str() == Some("https");
    match issuers.iter().find(|one| !secure(one)) {
        Some(one) if profile == Profile::Production => Err(Error::new(
            format!("{}.jwks", one.key),
            "is not https, which production wants",
        )),
        _ => Ok(()),
    }
}

fn section(table: &mut Table) -> Result<Option<Table>, Error> {
    let section = table.remove("identity").map(Value::into_table).transpose();
    section.map_err(|error| refused("identity", &error))
}

fn read(key: String, entry: Entry) -> Result<IdentityProvider, Error> {
    let bad = |name: &str, problem: &str| Error::new(format!("{key}.{name}"), problem);
    let text = |name: &str, text: Option<String>| match text {
        None => Err(bad(name, "is missing")),
        Some(text) if text.is_empty() || text.len() > TEXT_BYTES_MAX => {
            Err(bad(name, "is empty or too long"))
        }
        Some(text) => Ok(text),
    };
    let name = text("issuer", entry.issuer)?;
    if name == ISSUER || name.starts_with("service:") {
        return Err(bad("issuer", "is Stoa's own"));
    }
    let jwks = address(&text("jwks", entry.jwks)?)
        .ok_or_else(|| bad("jwks", "must be an http(s) URL without a user or fragment"))?;
    if entry.ca.is_some() && jwks.scheme_str() != Some("https") {
        return Err(bad("ca", "is set for an address that is not https"));
    }
    let algorithms = entry.algorithms.iter().map(|name| {
        let known = SigningAlgorithm::parse(name);
        known.ok_or_else(|| bad("algorithms", "has one that is not EdDSA, ES256 or RS256"))
    });
    let algorithms: Vec<SigningAlgorithm> = algorithms.collect::<Result<_, _>>()?;
    if algorithms.is_empty() {
        return Err(bad("algorithms", "is empty"));
    }
    let rules = Issuer {
        name,
        audience: text("audience", entry.audience)?,
        algorithms,
        subject_claim: text("subject_claim", Some(entry.subject_claim))?,
    };
    Ok(IdentityProvider {
        rules,
        jwks,
        ca: entry.ca,
        key,
    })
}

fn address(text: &str) -> Option<Uri> {
    let uri = (!text.contains('#')).then(|| text.parse::<Uri>().ok())??;
    let authority = uri.authority()?;
    let known = matches!(uri.scheme_str(), Some("http" | "https"));
    let whole = known && !authority.host().is_empty() && !authority.as_str().contains('@');
    whole.then_some(uri)
}
