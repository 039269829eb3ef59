//! Answers that nobody reads. An answer whose last piece was handed to hyper, and that is not asked for another and is
//! not over, waits for its reader. After a while it is given up, up to the handler that makes it, and the connection is
//! told to end.
//!
//! hyper asks for the next piece when a byte of it has room after all of the one before, and takes the last one over as
//! it is. The last piece of an answer is therefore a single byte: when it is handed out, nothing waits for its reader
//! any more. A short answer goes out whole, as nobody's room is smaller who does not say so first.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use slab::Slab;
use tokio::time::Instant;

use crate::requests::UnderWay;

/// The longest piece of an answer, in bytes: who takes less in the time that is set reads too slowly.
const PIECE_BYTES_MAX: usize = 16 << 10;
/// What is handed out whole, in bytes, to whoever is not narrow.
const WHOLE_BYTES_MAX: usize = 4 << 10;
/// Who takes as much between two looks has a slow line; how many times longer his answers may stand still.
const TAKEN_BYTES_MIN: u64 = 40 << 10;
const BUSY_LINE: u32 = 4;
/// The last piece of what is not handed out whole, in bytes.
const LAST_BYTES: usize = 1;

/// The answers of one connection; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<Mutex<Table>>);

type Table = Slab<Standing>;

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
    id: usize,
    length: Length,
    over: bool,
    _under_way: UnderWay,
}

enum Length {
    /// As good as one piece, kept here: it has nothing to give up but itself.
    Short(Body),
    /// Kept where it can be given up; here is what is left of its last piece.
    Long {
        rest: Bytes,
        hint: SizeHint,
        whole_max: usize,
    },
}

impl Unread {
    /// Watches an answer from now on. To a `narrow` peer none is handed out whole.
    pub(crate) fn watch(&self, body: Body, narrow: bool, under_way: UnderWay) -> Answer {
        let (hint, over) = (body.size_hint(), body.is_end_stream());
        let whole_max = if narrow { LAST_BYTES } else { WHOLE_BYTES_MAX };
        let short = hint.upper().is_some_and(|bytes| bytes <= whole_max as u64);
        let (kept, length) = match short {
            true => (None, Length::Short(body)),
            false => {
                let rest = Bytes::new();
                let long = Length::Long {
                    rest,
                    hint,
                    whole_max,
                };
                (Some(body), long)
            }
        };
        let standing = Standing {
            body: kept,
            since: Some(Instant::now()),
        };
        Answer {
            id: self.table().insert(standing),
            unread: self.clone(),
            length,
            over,
            _under_way: under_way,
        }
    }

    /// Whether an answer stood still for so long, and was given up. Answers that share a line which takes what it can
    /// may stand still a few times longer: `taken` are the bytes it took since the last look.
    pub(crate) fn stands_still(&self, max: Duration, taken: u64) -> bool {
        let patience = match taken >= TAKEN_BYTES_MIN {
            true => max * BUSY_LINE,
            false => max,
        };
        let before = Instant::now().checked_sub(patience);
        before.is_some_and(|before| self.give_up(before))
    }

    /// Gives up every answer that stands still since then, and returns whether there was one.
    fn give_up(&self, since: Instant) -> bool {
        let mut bodies = Vec::new();
        let mut any = false;
        for (_, answer) in self.table().iter_mut() {
            if answer.since.is_some_and(|stood| stood <= since) {
                answer.since = None;
                bodies.extend(answer.body.take()); // dropped when the table is free again
                any = true;
            }
        }
        any
    }

    /// Takes an answer's body out, to ask it for a piece.
    fn ask(&self, id: usize) -> Option<Body> {
        let mut table = self.table();
        let answer = table.get_mut(id)?;
        answer.since = None;
        answer.body.take()
    }

    /// Puts it back, and notes whether it gave one.
    fn put_back(&self, id: usize, body: Body, gave: bool) {
        if let Some(answer) = self.table().get_mut(id) {
            answer.body = Some(body);
            answer.since = gave.then(Instant::now);
        }
    }

    /// Notes that more of the last piece was handed out. Returns false if the answer was given up.
    fn goes_on(&self, id: usize) -> bool {
        let mut table = self.table();
        let answer = table.get_mut(id);
        let goes_on = answer.filter(|answer| answer.body.is_some());
        goes_on
            .map(|answer| answer.since = Some(Instant::now()))
            .is_some()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

impl Answer {
    /// The next piece of a long answer.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Polled {
        let Length::Long {
            rest, whole_max, ..
        } = &mut self.length
        else {
            return Poll::Ready(None);
        };
        if !rest.is_empty() {
            let frame = Frame::data(std::mem::take(rest));
            return match self.unread.goes_on(self.id) {
                true => Poll::Ready(Some(Ok(cut(frame, rest, *whole_max)))),
                false => Poll::Ready(Some(Err(given_up()))),
            };
        }
        if self.over {
            return Poll::Ready(None);
        }
        let Some(mut body) = self.unread.ask(self.id) else {
            return Poll::Ready(Some(Err(given_up())));
        };
        let polled = Pin::new(&mut body).poll_frame(cx);
        let gave = matches!(polled, Poll::Ready(Some(Ok(_))));
        self.over = body.is_end_stream() || (polled.is_ready() && !gave);
        self.unread.put_back(self.id, body, gave);
        let frame = ready!(polled).transpose()?;
        Poll::Ready(frame.map(|frame| Ok(cut(frame, rest, *whole_max))))
    }
}

/// A piece of a frame, and the rest of it.
fn cut(mut frame: Frame<Bytes>, rest: &mut Bytes, whole_max: usize) -> Frame<Bytes> {
    if let Some(data) = frame.data_mut()
        && data.len() > whole_max
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
            Length::Long { rest, .. } => self.over && rest.is_empty(),
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
        let gone = self.unread.table().try_remove(self.id);
        drop(gone); // when the table is free again: a body may do anything when it goes
    }
}

fn given_up() -> axum::Error {
    axum::Error::new("nobody read this answer")
}
