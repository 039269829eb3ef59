//! Answers that nobody reads. An answer whose last piece was handed to hyper, and that is not asked for another and is
//! not over, waits for its reader. After a while it is given up, up to the handler that makes it, and the connection is
//! told to end.
//!
//! hyper asks for the next piece when the one before it had room to begin, and takes the last one over as it is. On
//! HTTP/2 the last piece of an answer is therefore a small one, so that this is all that a reader who takes single
//! bytes can keep until his connection is too old.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Instant;

use crate::head::UnderWay;

/// The longest piece of an answer, in bytes: who takes less in the time that is set reads too slowly.
const PIECE_BYTES_MAX: usize = 16 << 10;
/// What is handed out whole, in bytes.
const WHOLE_BYTES_MAX: usize = 4 << 10;
/// Who takes as much between two looks has a slow line; how many times longer his answers may stand still.
const TAKEN_BYTES_MIN: u64 = 40 << 10;
const BUSY_LINE: u32 = 4;
/// The last piece of what is longer, in bytes.
const LAST_BYTES: usize = 512;

/// The answers of one connection; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    answers: BTreeMap<u64, Standing>,
}

/// An answer that is not over.
struct Standing {
    /// None for a short one, and after it was given up.
    body: Option<Body>,
    /// When its last piece was handed out; none while another is asked for.
    since: Option<Instant>,
}

/// An answer on its way, as hyper sees it.
pub(crate) struct Answer {
    unread: Unread,
    id: u64,
    length: Length,
    over: bool,
    _under_way: UnderWay,
}

enum Length {
    /// One piece, kept here: it has nothing to give up but itself.
    Short(Body),
    /// Kept where it can be given up; here is what is left of its last piece.
    Long { rest: Bytes, hint: SizeHint },
}

impl Unread {
    /// Watches an answer from now on.
    pub(crate) fn watch(&self, body: Body, under_way: UnderWay) -> Answer {
        let (hint, over) = (body.size_hint(), body.is_end_stream());
        let short = hint
            .exact()
            .is_some_and(|bytes| bytes <= WHOLE_BYTES_MAX as u64);
        let (kept, length) = match short {
            true => (None, Length::Short(body)),
            false => {
                let rest = Bytes::new();
                (Some(body), Length::Long { rest, hint })
            }
        };
        let standing = Standing {
            body: kept,
            since: Some(Instant::now()),
        };
        Answer {
            id: self.add(standing),
            unread: self.clone(),
            length,
            over,
            _under_way: under_way,
        }
    }

    fn add(&self, standing: Standing) -> u64 {
        let mut table = self.table();
        let id = table.next;
        table.next += 1;
        table.answers.insert(id, standing);
        id
    }

    /// Returns when an answer stood still for so long, and has given it up. Answers that share a line which takes what
    /// it can may stand still a few times longer.
    pub(crate) async fn stands_still(&self, max: Duration, written: impl Fn() -> u64) {
        let mut before = written();
        loop {
            // Looked at now and then: to be woken for each answer would cost more than the answer.
            tokio::time::sleep(max / 4).await;
            let now = written();
            let takes = now - before >= TAKEN_BYTES_MIN;
            before = now;
            let patience = if takes { max * BUSY_LINE } else { max };
            if self.give_up(Instant::now() - patience) {
                return;
            }
        }
    }

    /// Gives up every answer that stands still since then, and returns whether there was one.
    fn give_up(&self, since: Instant) -> bool {
        let mut bodies = Vec::new();
        let mut any = false;
        for answer in self.table().answers.values_mut() {
            if answer.since.is_some_and(|stood| stood <= since) {
                answer.since = None;
                bodies.extend(answer.body.take()); // dropped when the table is free again
                any = true;
            }
        }
        any
    }

    /// Takes an answer's body out, to ask it for a piece.
    fn ask(&self, id: u64) -> Option<Body> {
        let mut table = self.table();
        let answer = table.answers.get_mut(&id)?;
        answer.since = None;
        answer.body.take()
    }

    /// Puts it back.
    fn put_back(&self, id: u64, body: Body) {
        if let Some(answer) = self.table().answers.get_mut(&id) {
            answer.body = Some(body);
        }
    }

    /// Notes that a piece was handed out. Returns false if the answer was given up.
    fn handed_out(&self, id: u64) -> bool {
        let mut table = self.table();
        let answer = table.answers.get_mut(&id);
        let goes_on = answer.filter(|answer| answer.body.is_some());
        goes_on
            .map(|answer| answer.since = Some(Instant::now()))
            .is_some()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

impl Answer {
    /// The next piece of a long answer.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Polled {
        let Length::Long { rest, .. } = &mut self.length else {
            return Poll::Ready(None);
        };
        let frame = match rest.is_empty() {
            false => Frame::data(std::mem::take(rest)),
            true if self.over => return Poll::Ready(None),
            true => {
                let Some(mut body) = self.unread.ask(self.id) else {
                    return Poll::Ready(Some(Err(given_up())));
                };
                let polled = Pin::new(&mut body).poll_frame(cx);
                self.over = matches!(polled, Poll::Ready(None | Some(Err(_))));
                self.unread.put_back(self.id, body);
                match ready!(polled).transpose()? {
                    Some(frame) => frame,
                    None => return Poll::Ready(None),
                }
            }
        };
        match self.unread.handed_out(self.id) {
            true => Poll::Ready(Some(Ok(cut(frame, rest)))),
            false => Poll::Ready(Some(Err(given_up()))),
        }
    }
}

/// A piece of a frame, and the rest of it, of which the last piece is a small one.
fn cut(mut frame: Frame<Bytes>, rest: &mut Bytes) -> Frame<Bytes> {
    if let Some(data) = frame.data_mut()
        && data.len() > WHOLE_BYTES_MAX
    {
        *rest = data.split_off(PIECE_BYTES_MAX.min(data.len() - LAST_BYTES));
    }
    frame
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        match &mut self.length {
            Length::Short(body) => Pin::new(body).poll_frame(cx),
            Length::Long { .. } => self.poll_piece(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.length {
            Length::Short(body) => body.is_end_stream(),
            Length::Long { rest, .. } if !rest.is_empty() => false,
            Length::Long { .. } if self.over => true,
            Length::Long { .. } => {
                let table = self.unread.table();
                let answer = table.answers.get(&self.id);
                answer.is_some_and(|answer| answer.body.as_ref().is_some_and(Body::is_end_stream))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.length {
            Length::Short(body) => body.size_hint(),
            Length::Long { hint, .. } => *hint,
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let gone = self.unread.table().answers.remove(&self.id);
        drop(gone); // when the table is free again: a body may do anything when it goes
    }
}

fn given_up() -> axum::Error {
    axum::Error::new("nobody read this answer")
}
