//! Who writes to a SQLite file, one after the other, and the commits they share.
//!
//! SQLite has one writer at a time and a commit waits for the disk, so a commit for each would make everybody wait for
//! everybody else's disk. Here attempts take turns on one connection and in one transaction: whoever ends his turn
//! well has made his changes part of it, and the first of them goes to the end of the queue to commit for all who
//! had theirs before. So a lone writer commits at once, and the longer the queue, the more share a commit.
//!
//! - An attempt's changes stand between savepoints: one that fails takes back its own and nobody else's.
//! - Nobody is told anything before what he saw is on the disk: neither who changed something, nor who only read what
//!   others of the same transaction had changed. If the commit fails, all who stand in it failed.
//! - A group is one commit: after a crash all of it is there, or none.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::timeout;

use crate::batch::Batch;
use crate::connection::{Connection, count_commit};
use crate::fault::{Fault, TAKEN_BACK, fault};

/// What became of a group, once it is known.
type Outcome = watch::Receiver<Option<Result<(), DbErr>>>;

/// The queue for the one connection that writes; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    desk: Arc<Mutex<Desk>>,
    wait_max: Duration,
}

/// The connection, and the transaction that is open on it between turns.
#[derive(Debug)]
struct Desk {
    service: &'static str,
    /// `None` once it is closed.
    connection: Option<Connection>,
    group: Option<Group>,
    /// An attempt began and neither joined the group nor was taken back.
    open: bool,
}

/// Attempts that ended well and wait for their commit.
#[derive(Debug)]
struct Group {
    outcome: watch::Sender<Option<Result<(), DbErr>>>,
}

/// A turn at the desk; dropping it takes back what was changed.
#[derive(Debug)]
pub(crate) struct Turn {
    /// `None` once it is over.
    desk: Option<OwnedMutexGuard<Desk>>,
    turns: Turns,
}

impl Turns {
    pub fn new(service: &'static str, connection: Connection, wait_max: Duration) -> Self {
        let desk = Desk {
            service,
            connection: Some(connection),
            group: None,
            open: false,
        };
        Self {
            desk: Arc::new(Mutex::new(desk)),
            wait_max,
        }
    }

    /// Waits for a turn, and begins it.
    ///
    /// # Errors
    /// It did not come in time, or another process writes to the file.
    pub async fn take(&self) -> Result<Turn, DbErr> {
        let desk = timeout(self.wait_max, self.cleared()).await;
        let mut desk = desk.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))?;
        desk.open = true;
        let mut turn = Turn {
            desk: Some(desk),
            turns: self.clone(),
        };
        let begin = match turn.desk().group {
            Some(_) => "savepoint attempt",
            None => "begin immediate",
        };
        turn.connection()?.say(begin).await?;
        Ok(turn)
    }

    /// The desk, with nothing on it that a turn left which ended outside of a runtime.
    async fn cleared(&self) -> OwnedMutexGuard<Desk> {
        loop {
            let mut desk = self.desk.clone().lock_owned().await;
            if !desk.open {
                return desk;
            }
            drop(tokio::spawn(async move { desk.undo().await }).await);
        }
    }

    /// Returns whether somebody has the connection now.
    pub fn is_taken(&self) -> bool {
        self.desk.try_lock().is_err()
    }

    /// Closes the connection when those before have had their turn; SQLite folds its log into the file.
    pub async fn close(&self) {
        let mut desk = self.desk.lock().await;
        desk.commit().await;
        if let Some(connection) = desk.connection.take() {
            drop(connection.close().await);
        }
    }
}

impl Turn {
    fn desk(&mut self) -> &mut Desk {
        self.desk
            .as_mut()
            .expect("a turn has the desk until it is over")
    }

    /// The connection, inside the attempt.
    ///
    /// # Errors
    /// It was closed.
    pub fn connection(&mut self) -> Result<&mut Connection, DbErr> {
        self.desk().connection()
    }

    /// Sends what was deferred, and returns once it and all that the attempt changed are on the disk.
    ///
    /// # Errors
    /// A deferred write failed, and nothing of the attempt stays: what was in its way is on the disk by then; the group
    /// could not be committed.
    pub async fn keep(mut self, mut deferred: Batch) -> Result<(), DbErr> {
        if self.desk().group.is_some() {
            deferred.then("release attempt");
        }
        if let Err(error) = deferred.send(self.connection()?).await {
            let seen = self.take_back().await;
            if fault(&error) != Fault::Unavailable {
                seen?;
            }
            return Err(error);
        }
        let (outcome, first) = self.desk().join();
        self.desk = None;
        if first {
            let turns = self.turns.clone();
            tokio::spawn(async move { turns.desk.lock().await.commit().await });
        }
        told(outcome).await
    }

    /// Takes back what the attempt changed, and returns once what it saw of others is on the disk.
    ///
    /// # Errors
    /// What it saw could not be committed, so it never was.
    pub async fn take_back(mut self) -> Result<(), DbErr> {
        let group = self.desk().group.as_ref();
        let outcome = group.map(|group| group.outcome.subscribe());
        drop(self); // by a task of its own, so that it is never left halfway
        match outcome {
            Some(outcome) => told(outcome).await,
            None => Ok(()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(mut desk) = self.desk.take() else {
            return;
        };
        // Outside of a runtime the next turn finds it open.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { desk.undo().await });
        }
    }
}

impl Desk {
    fn connection(&mut self) -> Result<&mut Connection, DbErr> {
        let closed = || DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        self.connection.as_mut().ok_or_else(closed)
    }

    /// Adds the attempt whose turn it is to the group; true if it is the first.
    fn join(&mut self) -> (Outcome, bool) {
        let first = self.group.is_none();
        let group = self.group.get_or_insert_with(|| Group {
            outcome: watch::Sender::new(None),
        });
        self.open = false;
        (group.outcome.subscribe(), first)
    }

    /// Takes back what the attempt changed whose turn it is. It must come to its end: halfway, what is on the
    /// connection would tell nothing about the group any more.
    async fn undo(&mut self) {
        self.open = false;
        let Some(connection) = &mut self.connection else {
            return;
        };
        if self.group.is_none() {
            // That there is no transaction any more, or none yet, is just as well.
            drop(connection.say("rollback").await);
            return;
        }
        let undone = connection.say("rollback to attempt; release attempt").await;
        if undone.is_ok() {
            return;
        }
        // Either the attempt had not begun, or SQLite took everything back, as it does when the disk is full. Only in
        // the second case another transaction can begin; this one takes no lock that somebody else may have.
        if connection.say("begin; rollback").await.is_ok() {
            self.end(Err(taken_back()));
        }
    }

    /// Commits for all who had their turn. It is one of the queue: who came after it was not waited for.
    async fn commit(&mut self) {
        if self.open {
            self.undo().await;
        }
        let (Some(connection), Some(_)) = (&mut self.connection, &self.group) else {
            return;
        };
        let committed = connection.say("commit").await;
        if committed.is_err() {
            drop(connection.say("rollback").await); // of a transaction that SQLite may have ended itself
        }
        self.end(committed);
    }

    fn end(&mut self, outcome: Result<(), DbErr>) {
        let Some(group) = self.group.take() else {
            return;
        };
        if outcome.is_ok() {
            count_commit(self.service);
        }
        group.outcome.send_replace(Some(outcome));
    }
}

/// The end of a group of which nothing was stored: whoever stood in it may try again.
fn taken_back() -> DbErr {
    DbErr::Exec(RuntimeErr::Internal(TAKEN_BACK.into()))
}

/// Waits until it is known what became of a group.
async fn told(mut outcome: Outcome) -> Result<(), DbErr> {
    let ended = outcome.wait_for(Option::is_some).await;
    let ended = ended.map(|ended| ended.clone());
    match ended {
        Ok(Some(outcome)) => outcome,
        // Nobody will tell: the runtime ends, or the connection was closed before the commit.
        _ => Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)),
    }
}
