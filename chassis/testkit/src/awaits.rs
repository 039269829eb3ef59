//! A command that dies at each of its awaits in turn: its future is dropped there, as when the caller leaves or the
//! process ends. An await is where what is awaited was not there at once: nowhere else can a future be dropped. A
//! database may have answered by then, so an await is passed only by a command that came to its end several times.

use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// How often one comes to its end that should have died, before that counts.
const TRIES: u32 = 20;
/// And how often before none has died: where all cores are busy, a database may have answered whenever it is looked at,
/// for as long as they are.
const TRIES_FIRST: u32 = 1000;

/// Asks for something and dies at the first await, for another thing and dies at the second, and so on until one comes
/// to its end. They are numbered from one. Each has what `before` makes for it; then it is asked for twice more,
/// which has to be answered alike, and `after` looks at what there is.
///
/// # Panics
/// None died.
pub async fn dies_at_each<A: Debug + PartialEq>(
    before: impl AsyncFn(u128),
    ask: impl AsyncFn(u128) -> A,
    after: impl AsyncFn(u128, A),
) {
    let (mut awaits, mut tries) = (1, TRIES_FIRST);
    for number in 1.. {
        before(number).await;
        match until(awaits, Box::pin(ask(number))).await {
            None => (awaits, tries) = (awaits + 1, TRIES),
            Some(_) => tries -= 1,
        }
        let answer = Box::pin(ask(number)).await;
        let again = Box::pin(ask(number)).await;
        assert_eq!(answer, again, "number {number}");
        after(number, answer).await;
        if tries == 0 {
            break;
        }
    }
    assert!(awaits > 1, "it waits for nothing");
}

/// What a future comes to, unless it stands at so many awaits; then it is dropped at the last of these.
async fn until<F: Future + Unpin>(awaits: u32, mut future: F) -> Option<F::Output> {
    let mut left = awaits;
    poll_fn(|cx| {
        left -= 1;
        match Pin::new(&mut future).poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
