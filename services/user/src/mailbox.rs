//! Letters as files in a folder, for whoever develops the shop and for who hands them on to a mail
//! server of their own. It sends nothing.

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::domain::email::Email;
use crate::error::Error;

/// Letters that are kept; the oldest go first.
const LETTERS_MAX: usize = 200;
const ENDING: &str = "eml";
/// How long a letter may take to be written.
const WRITTEN_MAX: Duration = Duration::from_secs(10);

/// What somebody is written. Its text may be a secret, and is in no `Debug`.
pub struct Letter {
    /// Whose mailbox it is for.
    pub to: Email,
    /// One line.
    pub subject: &'static str,
    /// Plain text.
    pub body: String,
    /// When it is written.
    pub date: DateTime<Utc>,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.subject)
    }
}

/// A folder of letters; cheap to clone.
#[derive(Clone, Debug)]
pub struct DevMailbox {
    folder: Arc<PathBuf>,
    /// One letter is written at a time: of a disk that hangs only one thread waits.
    turn: Arc<Semaphore>,
}

impl DevMailbox {
    /// The mailbox in a folder, which is made with the first letter.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder: Arc::new(folder),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Puts a letter into the folder, whole or not at all, for nobody else on this machine to read.
    /// Ids of later letters come after those of earlier ones.
    ///
    /// # Errors
    /// [`Error::Letter`].
    pub async fn put(&self, id: Uuid, letter: Letter) -> Result<(), Error> {
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the folder for letters hangs");
        let turn = self.turn.clone().try_acquire_owned();
        let turn = turn.map_err(|_| late())?;
        let folder = self.folder.clone();
        let putting = tokio::task::spawn_blocking(move || {
            let put = put(&folder, id, &letter);
            drop(turn);
            put
        });
        let put = tokio::time::timeout(WRITTEN_MAX, putting).await;
        put.map_err(|_| late())???;
        Ok(())
    }
}

fn put(folder: &Path, id: Uuid, letter: &Letter) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    make_room(folder)?;
    let (begun, done) = (
        folder.join(format!("{id}.part")),
        folder.join(format!("{id}.{ENDING}")),
    );
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&begun)?;
    file.write_all(written(id, letter).as_bytes())?;
    fs::rename(begun, done)
}

/// Removes the oldest letters of ours, and what a process that died has left half written, so that there is room for
/// one. Another process may do the same at the same time, and whoever hands letters on takes them away.
fn make_room(folder: &Path) -> io::Result<()> {
    let mut letters = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_ours(&path) {
            letters.push(path);
        }
    }
    letters.sort_unstable();
    let surplus = (letters.len() + 1).saturating_sub(LETTERS_MAX);
    for letter in letters.iter().take(surplus) {
        match fs::remove_file(letter) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether it is named as a letter of ours, whole or half.
fn is_ours(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    matches!(ending, Some(ENDING | "part"))
        && stem.is_some_and(|stem| stem.parse::<Uuid>().is_ok())
        && !path.is_dir()
}

/// The letter as RFC 5322 has it, an address in letters of any script as RFC 6532 does.
fn written(id: Uuid, letter: &Letter) -> String {
    let (to, subject, date) = (letter.to.as_str(), letter.subject, letter.date.to_rfc2822());
    let body = letter.body.replace('\n', "\r\n");
    format!(
        "From: Stoa <no-reply@stoa.invalid>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: {date}\r\n\
         Message-ID: <{id}@stoa.invalid>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn letter(body: &str) -> Letter {
        Letter {
            to: Email::new("ada@example.test\r\nBcc: eve@example.test"),
            subject: "Choose a new password",
            body: body.to_owned(),
            date: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        }
    }

    /// row: X23
    #[tokio::test]
    async fn a_mailbox_keeps_the_newest_letters_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("mail");
        let mailbox = DevMailbox::new(folder.clone());
        for number in 0..LETTERS_MAX + 2 {
            let id = Uuid::from_u128(number as u128);
            mailbox.put(id, letter("one\ntwo\n")).await.unwrap();
        }
        fs::write(folder.join("kept.eml"), "somebody else's").unwrap();
        fs::create_dir(folder.join(format!("{}.eml", Uuid::nil()))).unwrap();
        mailbox
            .put(
                Uuid::from_u128(LETTERS_MAX as u128 + 2),
                letter("one\ntwo\n"),
            )
            .await
            .unwrap();
        let name = |number: usize| format!("{}.eml", Uuid::from_u128(number as u128));
        let mut kept: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        kept.retain(|name| *name != "kept.eml" && !name.starts_with(&Uuid::nil().to_string()));
        kept.sort_unstable();
        let newest: Vec<String> = (3..LETTERS_MAX + 3).map(name).collect();
        assert_eq!(kept, newest);
        assert!(folder.join("kept.eml").exists());
        let file = folder.join(name(3));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
        let text = fs::read_to_string(file).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "one\r\ntwo\r\n");
        assert!(
            head.contains("\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\n"),
            "{head}"
        );
        assert!(
            head.contains("\r\nTo: <ada@example.testBcc: eve@example.test>\r\n"),
            "{head}"
        );
    }
}
