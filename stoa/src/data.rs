//! The data folder and the SQLite files: one process at a time, a copy before
//! every change of schema.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sea_orm::ConnectionTrait;
use sql::{Database, Engine};

use crate::config::{self, Config};

/// Held as long as a process works on what it locks; the system lets go of it
/// when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Makes the folder if needed and takes it for this process.
///
/// # Errors
///
/// A folder that cannot be made or written, or that another process holds.
pub fn lock(folder: &Path) -> anyhow::Result<Lock> {
    make_private(folder)?;
    take(&folder.join("lock"), |holder| {
        let folder = folder.display();
        let reason = format!(
            "is the folder {folder}, in use by another stoa{holder}: stop it, or give this one its own --data"
        );
        config::Error::new("data", reason)
    })
}

/// Takes the SQLite file of a service for this process, to serve it: the
/// queue of its writers and whom a commit wakes are a process's own, so two
/// that serve would be in each other's way. Nothing is to be taken of
/// PostgreSQL. Who changes the schema, audits or makes a user works beside
/// whoever serves, and takes nothing.
///
/// The lock is on a file beside the database: SQLite loses its own locks when
/// its file is opened and closed by anything else in the process.
///
/// # Errors
///
/// No URL where one is required; a file that cannot be written, or that
/// another process serves.
pub fn lock_database(config: &Config, service: &str) -> anyhow::Result<Option<Lock>> {
    let database = config.database(service)?;
    let Some(file) = database.file() else {
        return Ok(None);
    };
    let mut beside = OsString::from(as_one_knows_it(file));
    beside.push(".lock");
    let lock = take(Path::new(&beside), |holder| {
        let file = file.display();
        let reason = format!(
            "is the file {file}, in use by another stoa{holder}: SQLite has one process per file, so stop that one, \
             or give this one a file of its own"
        );
        config::Error::new(format!("{service}.database_url"), reason)
    })?;
    Ok(Some(lock))
}

/// The one path of a file, however it was written and whether or not it is
/// there yet.
fn as_one_knows_it(file: &Path) -> PathBuf {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let in_folder = || Some(folder.canonicalize().ok()?.join(file.file_name()?));
    let there = file.canonicalize().ok();
    there.or_else(in_folder).unwrap_or_else(|| file.to_owned())
}

/// Locks a file, and writes into it who has it.
fn take(path: &Path, refused: impl FnOnce(String) -> config::Error) -> anyhow::Result<Lock> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        // Else the file that a link leads to would be written over.
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            let written = file
                .set_len(0)
                .and_then(|()| writeln!(file, "{}", std::process::id()));
            written.with_context(|| format!("cannot write {}", path.display()))?;
            Ok(Lock(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Whoever has it may be about to write who it is.
            let read = file.read_to_string(&mut holder);
            let holder = match (read, holder.trim()) {
                (Ok(_), id) if !id.is_empty() => format!(" (process {id})"),
                _ => String::new(),
            };
            Err(refused(holder).into())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// A folder that only this user can look into.
///
/// # Errors
///
/// A folder that cannot be made.
pub fn make_private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// Copies a SQLite database beside itself, for the case that a change of
/// schema was a mistake. PostgreSQL has backups of its own.
///
/// # Errors
///
/// A copy that cannot be written: then nothing is changed either.
pub async fn back_up(db: &Database, folder: &Path, name: &str) -> anyhow::Result<Option<PathBuf>> {
    if db.engine() != Engine::Sqlite {
        return Ok(None);
    }
    let copies = folder.join("copies");
    make_private(&copies)?;
    let copy = copies.join(format!("{}-before-{name}.db", db.service()));
    if copy.exists() {
        std::fs::remove_file(&copy)
            .with_context(|| format!("cannot replace {}", copy.display()))?;
    }
    let quoted = copy.display().to_string().replace('\'', "''");
    db.read()
        .execute_unprepared(&format!("vacuum into '{quoted}'"))
        .await
        .with_context(|| format!("cannot copy the database of {}", db.service()))?;
    Ok(Some(copy))
}
