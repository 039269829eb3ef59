//! Whose head does not come to its end. A head is all frames up to the one that ends it, and what is of no body counts as
//! one too: whoever stops amid a frame is as late.

use super::frames::{CONTINUATION, END_HEADERS, Frame, Frames, HEADERS, PUSH_PROMISE};

/// The heads of a connection, as far as they have come.
#[derive(Debug)]
pub(super) struct Heads {
    /// Whether the last one has more frames to come.
    open: bool,
    number: u64,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            open: true, // the settings come first
            number: 0,
        }
    }
}

impl Heads {
    /// A frame begins.
    pub(super) fn begin(&mut self) {
        if !self.open {
            self.number += 1;
        }
    }

    /// Its header came.
    pub(super) fn see(&mut self, frame: Frame) {
        let of_head = matches!(frame.kind, HEADERS | PUSH_PROMISE | CONTINUATION);
        self.open = of_head && frame.flags & END_HEADERS == 0;
    }

    /// The number of the head that is not whole, where there is one.
    pub(super) fn amid(&self, frames: &Frames) -> Option<u64> {
        (self.open || frames.are_amid_one()).then_some(self.number)
    }
}
