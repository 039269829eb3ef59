//! The data folder and the SQLite files: one process at a time, a copy before
//! every change of schema.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::OFlags;
use sea_orm::ConnectionTrait;
use sql::{Database, Engine};

use crate::config::{self, Config};

/// Held as long as a process works on what it locks; the system lets go of it
/// when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open files are the lock")] Vec<File>);

/// Makes the folder if needed and takes it for this process.
///
/// # Errors
///
/// A folder that cannot be made or written, or that another process holds.
pub fn lock(folder: &Path) -> anyhow::Result<Lock> {
    make_private(folder)?;
    let lock = take("data", &folder.join("lock"), |holder| {
        let folder = folder.display();
        let reason = format!(
            "is the folder {folder}, in use by another stoa{holder}: stop it, or give this one its own --data"
        );
        config::Error::new("data", reason)
    })?;
    Ok(Lock(vec![lock]))
}

/// Takes the SQLite file of a service for this process, to serve it: the
/// queue of its writers and whom a commit wakes are a process's own, so two
/// that serve would be in each other's way. Nothing is to be taken of
/// PostgreSQL. Who changes the schema, audits or makes a user works beside
/// whoever serves, and takes nothing.
///
/// A file beside the database says who has it, and is locked too. On Linux the
/// database itself is, so no other name of it and no lock file that was
/// removed leads around that.
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
    let key = format!("{service}.database_url");
    let in_use = |holder| {
        let file = file.display();
        let reason = format!(
            "is the file {file}, in use by another stoa{holder}: SQLite has one process per file, so stop that one, \
             or give this one a file of its own"
        );
        config::Error::new(&key, reason)
    };
    let database = open(&key, file, OFlags::empty())?;
    let mut beside = OsString::from(as_one_knows_it(file));
    beside.push(".lock");
    let beside = Path::new(&beside);
    let held = holds(&database).map_err(|error| {
        let (file, why) = (file.display(), error.kind());
        config::Error::new(&key, format!("needs to lock the file {file}: {why}"))
    })?;
    if !held {
        let holder = File::open(beside).map_or_else(|_| String::new(), holder);
        return Err(in_use(holder).into());
    }
    let lock = take(&key, beside, in_use)?;
    Ok(Some(Lock(vec![database, lock])))
}

/// Locks an open database for this process, unless another has: a byte behind
/// those that SQLite locks, by a kind of lock that goes with the open file. The
/// process's own locks, which are SQLite's, would go as soon as anything in it
/// opens and closes the file; for the same reason this one is not closed while
/// the process serves.
#[cfg(target_os = "linux")]
fn holds(database: &File) -> std::io::Result<bool> {
    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc::{F_WRLCK, SEEK_SET, flock};
    /// SQLite's lock page begins here, with the 512 bytes that it locks.
    const LOCKED_BY_SQLITE: i64 = 1 << 30;
    let kind = |kind| i16::try_from(kind).expect("kinds of locks are small numbers");
    let byte = flock {
        l_type: kind(F_WRLCK),
        l_whence: kind(SEEK_SET),
        l_start: LOCKED_BY_SQLITE + 512,
        l_len: 1,
        l_pid: 0,
    };
    match fcntl(database, FcntlArg::F_OFD_SETLK(&byte)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// There is no such lock, so the file beside the database has to do.
#[cfg(not(target_os = "linux"))]
fn holds(_database: &File) -> std::io::Result<bool> {
    Ok(true)
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
fn take(
    key: &str,
    path: &Path,
    refused: impl FnOnce(String) -> config::Error,
) -> anyhow::Result<File> {
    // Else the file that a link leads to would be written over.
    let mut file = open(key, path, OFlags::NOFOLLOW)?;
    match file.try_lock() {
        Ok(()) => {
            let written = file
                .set_len(0)
                .and_then(|()| writeln!(file, "{}", std::process::id()));
            written.with_context(|| format!("cannot write {}", path.display()))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => Err(refused(holder(file)).into()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// Opens a file to read and write it, and makes it for this user alone where
/// there is none.
fn open(key: &str, path: &Path, flags: OFlags) -> Result<File, config::Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    file.map_err(|error| {
        let (path, why) = (path.display(), error.kind());
        config::Error::new(key, format!("needs to write the file {path}: {why}"))
    })
}

/// Who has what a file beside it locks, in words; empty where it does not say.
fn holder(mut file: File) -> String {
    let mut holder = String::new();
    // Whoever has it may be about to write who it is.
    match (file.read_to_string(&mut holder), holder.trim()) {
        (Ok(_), id) if !id.is_empty() => format!(" (process {id})"),
        _ => String::new(),
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
