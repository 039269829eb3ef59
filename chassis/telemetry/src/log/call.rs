//! The ids of a call, in every line that is written while it runs. A span with three fields would say the same and
//! cost ten times as much, for every call; the ids stand in one place of the thread that polls it instead.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// What names a call in the log. Clones share it.
#[derive(Clone, Debug)]
pub struct CallIds(Arc<Ids>);

#[derive(Debug)]
struct Ids {
    /// One after the other: an allocation for each would cost more than all of them.
    text: String,
    service_end: usize,
    correlation_id_end: usize,
}

thread_local! {
    static CURRENT: Cell<Option<CallIds>> = const { Cell::new(None) };
}

impl CallIds {
    /// The context that answers, the id under which its caller may ask, and that of the trace. None of them may be
    /// a secret: they are masked nowhere.
    #[must_use]
    pub fn new(service: &str, correlation_id: &str, trace_id: &str) -> Self {
        let mut text = String::with_capacity(service.len() + correlation_id.len() + trace_id.len());
        text.push_str(service);
        text.push_str(correlation_id);
        text.push_str(trace_id);
        let service_end = service.len();
        Self(Arc::new(Ids {
            text,
            service_end,
            correlation_id_end: service_end + correlation_id.len(),
        }))
    }

    /// Those of the call that this code runs in.
    #[must_use]
    pub fn current() -> Option<Self> {
        let current = CURRENT.try_with(|current| {
            let ids = current.take();
            current.set(ids.clone());
            ids
        });
        current.ok().flatten()
    }

    pub(super) fn service(&self) -> &str {
        &self.0.text[..self.0.service_end]
    }

    pub(super) fn correlation_id(&self) -> &str {
        &self.0.text[self.0.service_end..self.0.correlation_id_end]
    }

    pub(super) fn trace_id(&self) -> &str {
        &self.0.text[self.0.correlation_id_end..]
    }
}

pin_project! {
    /// Work that belongs to a call, on whatever task it runs.
    #[derive(Debug)]
    pub struct Within<F> {
        ids: Option<CallIds>,
        #[pin]
        work: F,
    }
}

/// Lets the lines of `work` name that call, if there is one.
pub fn within<F>(ids: Option<CallIds>, work: F) -> Within<F> {
    Within { ids, work }
}

/// Puts back what the thread had before, also when the work panics.
struct Entered<'a> {
    before: Option<CallIds>,
    own: &'a mut Option<CallIds>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let before = self.before.take();
        *self.own = CURRENT
            .try_with(|current| current.replace(before))
            .ok()
            .flatten();
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let ids = this.ids.take();
        let _entered = Entered {
            before: CURRENT
                .try_with(|current| current.replace(ids))
                .ok()
                .flatten(),
            own: this.ids,
        };
        this.work.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::Waker;

    use super::*;

    fn seen() -> Option<String> {
        let ids = CallIds::current()?;
        Some(format!(
            "{} {} {}",
            ids.service(),
            ids.correlation_id(),
            ids.trace_id()
        ))
    }

    fn poll<T>(work: Pin<&mut Within<impl Future<Output = T>>>) -> Poll<T> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn work_names_its_own_call_and_leaves_the_threads_as_it_was() {
        let inner = within(Some(CallIds::new("b", "2", "22")), async { seen() });
        let outer = within(Some(CallIds::new("a", "1", "11")), async {
            (seen(), inner.await, seen())
        });
        let mut outer = Box::pin(outer);
        let Poll::Ready(all) = poll(outer.as_mut()) else {
            panic!("nothing waits");
        };
        let [a, b] = ["a 1 11", "b 2 22"].map(|text| Some(text.to_owned()));
        assert_eq!(all, (a.clone(), b, a));
        assert_eq!(seen(), None);
        let mut broken = Box::pin(within(Some(CallIds::new("c", "3", "33")), async {
            panic!("on purpose")
        }));
        let caught = catch_unwind(AssertUnwindSafe(|| poll::<()>(broken.as_mut())));
        assert!(caught.is_err());
        assert_eq!(seen(), None, "what panicked has left, too");
    }
}
