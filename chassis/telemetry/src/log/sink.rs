//! Where lines go. Each request writes one, and a system call for each would cost more than
//! building it: lines of a running process are gathered for a moment and written together.
//! A warning goes out at once, with everything before it.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is gathered at most before whoever logs writes it, in bytes.
const GATHERED_MAX: usize = 64 << 10;
/// How long a line waits for others.
const WAIT: Duration = Duration::from_millis(10);

/// Writes lines whole, in their order.
pub(super) enum Sink {
    /// Each by itself, at once.
    Direct(Mutex<Box<dyn Write + Send>>),
    /// Together, unless they are urgent.
    Gathering(Arc<Gathering>),
}

pub(super) struct Gathering {
    lines: Mutex<Lines>,
    some: Condvar,
    out: Mutex<Out>,
}

struct Out {
    to: Box<dyn Write + Send>,
    /// Room for the lines that come while these are written: two buffers take turns, so that none grows anew.
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Nobody is going to write them unless told.
    idle: bool,
}

impl Sink {
    pub(super) fn direct(out: Box<dyn Write + Send>) -> Self {
        Self::Direct(Mutex::new(out))
    }

    /// A sink with a thread that writes what is gathered.
    pub(super) fn gathering(out: Box<dyn Write + Send>) -> std::io::Result<Self> {
        let gathering = Arc::new(Gathering {
            lines: Mutex::default(),
            some: Condvar::new(),
            out: Mutex::new(Out {
                to: out,
                bytes: Vec::new(),
            }),
        });
        let writer = gathering.clone();
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                loop {
                    writer.wait();
                    std::thread::sleep(WAIT);
                    writer.flush();
                }
            })?;
        Ok(Self::Gathering(gathering))
    }

    pub(super) fn write(&self, line: &str, urgent: bool) {
        match self {
            Self::Direct(out) => put(&mut **lock(out), line.as_bytes()),
            Self::Gathering(gathering) => gathering.push(line, urgent),
        }
    }
}

impl Gathering {
    fn push(&self, line: &str, urgent: bool) {
        let mut lines = lock(&self.lines);
        lines.bytes.extend_from_slice(line.as_bytes());
        let write = urgent || lines.bytes.len() > GATHERED_MAX;
        let tell = !write && std::mem::take(&mut lines.idle);
        drop(lines);
        if write {
            self.flush();
        } else if tell {
            self.some.notify_one();
        }
    }

    /// Writes all there is. Whoever waits for its turn here blocks, so that a reader who
    /// stops reading slows the process down instead of filling its memory.
    pub(super) fn flush(&self) {
        let mut out = lock(&self.out);
        let Out { to, bytes } = &mut *out;
        std::mem::swap(bytes, &mut lock(&self.lines).bytes);
        put(&mut **to, bytes);
        bytes.clear();
    }

    fn wait(&self) {
        let mut lines = lock(&self.lines);
        while lines.bytes.is_empty() {
            lines.idle = true;
            lines = self
                .some
                .wait(lines)
                .unwrap_or_else(PoisonError::into_inner);
        }
        lines.idle = false;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A full disk or a closed pipe must not take the process down.
fn put(out: &mut dyn Write, bytes: &[u8]) {
    let _ = out.write_all(bytes);
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Calls(Arc<Mutex<Vec<String>>>);

    impl Write for Calls {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock(&self.0).push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_go_out_together_and_a_warning_takes_along_what_was_before_it() {
        let calls = Calls::default();
        let sink = Sink::gathering(Box::new(calls.clone())).expect("a thread can be had");
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        let mut written = Vec::new();
        sink.write("a\n", false);
        sink.write("b\n", true);
        sink.write("c\n", false);
        while written.concat() != "a\nb\nc\n" && std::time::Instant::now() < deadline {
            std::thread::sleep(WAIT);
            written = lock(&calls.0).clone();
            written.retain(|call| !call.is_empty());
        }
        assert_eq!(written, ["a\nb\n", "c\n"]);
    }
}
