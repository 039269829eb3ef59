//! Keys in files: the one that signs page tokens, and the pairs by which
//! services know each other. In `dev` they are made in the data folder when
//! they are missing; `production` wants them given.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clock::Clock;
use sha2::{Digest, Sha256};
use token::{PublicKey, SigningKey};

use crate::config::{self, Config, Profile};
use crate::data;
use crate::services::Target;

/// The least a secret key must have.
const KEY_BYTES_MIN: usize = 32;

/// The signer of page tokens.
///
/// # Errors
///
/// A file that cannot be read, or is too short to be a secret.
pub fn page_signer(config: &Config, clock: &Clock) -> anyhow::Result<sql::page::Signer> {
    let general = &config.general;
    let bytes = match &general.page_key_file {
        Some(file) => std::fs::read(file).map_err(|error| {
            config::Error::new("page_key_file", format!("cannot be read: {}", error.kind()))
        })?,
        None => {
            let folder = general.data.join("keys");
            read_or_make(&folder, "page.key", || Ok(clock.random::<32>().to_vec()))?
        }
    };
    if bytes.len() < KEY_BYTES_MIN {
        let reason = format!("names a file of less than {KEY_BYTES_MIN} bytes");
        return Err(config::Error::new("page_key_file", reason).into());
    }
    Ok(sql::page::Signer::new(Sha256::digest(&bytes).into()))
}

/// The key by which `target` tells its peers who it is.
///
/// # Errors
///
/// A file that cannot be read, or holds no Ed25519 key in PKCS #8.
pub fn own(config: &Config, target: &'static str) -> anyhow::Result<SigningKey> {
    let tokens = &config.general.service_tokens;
    let pkcs8 = match (&tokens.key_file, config.general.profile) {
        (Some(file), _) => std::fs::read(file).map_err(|error| {
            let reason = format!("cannot be read: {}", error.kind());
            config::Error::new("service_tokens.key_file", reason)
        })?,
        (None, Profile::Dev) => {
            let folder = config.general.data.join("keys");
            let make = || Ok(SigningKey::generate(target)?.pkcs8().to_vec());
            let pkcs8 = read_or_make(&folder, &format!("{target}.key"), make)?;
            publish(&folder, &SigningKey::from_pkcs8(target, &pkcs8)?)?;
            pkcs8
        }
        (None, Profile::Production) => {
            let error = config::Error::new("service_tokens.key_file", "is required in production");
            return Err(error.into());
        }
    };
    SigningKey::from_pkcs8(target, &pkcs8).map_err(|error| {
        config::Error::new("service_tokens.key_file", format!("is not usable: {error}")).into()
    })
}

/// Makes the keys of all targets on this machine, so that whichever starts
/// first, all know each other.
///
/// # Errors
///
/// A folder that cannot be written.
pub fn make_all(config: &Config) -> anyhow::Result<()> {
    if config.general.service_tokens.key_file.is_some() {
        return Ok(());
    }
    for target in Target::all() {
        own(config, target.name())?;
    }
    Ok(())
}

/// The public keys of all callers: one file each, named for the service.
///
/// # Errors
///
/// A folder that cannot be read, or a file in it that is no key.
pub fn public(config: &Config) -> anyhow::Result<Vec<PublicKey>> {
    let tokens = &config.general.service_tokens;
    let folder: PathBuf = match (&tokens.public_keys, config.general.profile) {
        (Some(folder), _) => folder.clone(),
        (None, Profile::Dev) => config.general.data.join("keys"),
        (None, Profile::Production) => {
            let error =
                config::Error::new("service_tokens.public_keys", "is required in production");
            return Err(error.into());
        }
    };
    let refused = |reason: String| config::Error::new("service_tokens.public_keys", reason);
    let entries = std::fs::read_dir(&folder).map_err(|error| {
        refused(format!(
            "names a folder that cannot be read: {}",
            error.kind()
        ))
    })?;
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| refused(format!("cannot be read: {}", error.kind())))?
            .path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.extension().is_some_and(|extension| extension == "pub") {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                refused(format!(
                    "has {name}.pub, which cannot be read: {}",
                    error.kind()
                ))
            })?;
            let key = PublicKey::from_jwk(&name, text.trim())
                .ok_or_else(|| refused(format!("has {name}.pub, which is no public key")))?;
            keys.push(key);
        }
    }
    Ok(keys)
}

/// Writes the public half where other targets on this machine look for it.
fn publish(folder: &Path, key: &SigningKey) -> anyhow::Result<()> {
    let path = folder.join(format!("{}.pub", key.kid()));
    let text = format!("{}\n", key.public().x());
    if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
        return Ok(());
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a secret file, or makes it, readable by its owner alone. Of two that
/// make it at once, one wins and both read the same.
fn read_or_make(
    folder: &Path,
    name: &str,
    make: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    data::make_private(folder)?;
    let path = folder.join(name);
    let failed = || format!("cannot keep the key {}", path.display());
    match std::fs::read(&path) {
        Ok(bytes) => return Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(failed),
    }
    // Written whole under another name first: a killed process leaves no half a key.
    let draft = folder.join(format!("{name}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(failed)?;
    file.write_all(&make()?).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    let linked = std::fs::hard_link(&draft, &path);
    std::fs::remove_file(&draft).with_context(failed)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).with_context(failed),
        _ => std::fs::read(&path).with_context(failed),
    }
}
