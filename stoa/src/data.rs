//! The data folder: one process at a time, a copy before every change of
//! schema.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sea_orm::ConnectionTrait;
use sql::{Database, Engine};

/// Held as long as a process works on the folder; the system lets go of it
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
    let path = folder.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "the data folder {} is in use by another stoa; stop it, or give this one its own --data",
            folder.display()
        ),
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
