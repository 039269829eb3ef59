//! The bytes of an HTTP/2 connection, cut into frames (RFC 9113, 4.1) however they come. What a frame means is not known
//! here.

const PREFACE_BYTES: usize = 24;
const HEADER_BYTES: usize = 9;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;

/// What the header of a frame says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of payload that follow.
    pub(super) length: usize,
}

/// A part of what came.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// The first byte of a header is next.
    Begin,
    /// A header was whole.
    Header(Frame),
    /// Some payload of a frame of this kind.
    Payload(u8, &'a [u8]),
}

/// Where in its frames a connection is.
#[derive(Debug, Default)]
pub(super) struct Frames {
    preface: usize,
    header: [u8; HEADER_BYTES],
    filled: usize,
    /// Whether the header that is next was told to begin.
    begun: bool,
    payload_left: usize,
    kind: u8,
}

impl Frames {
    /// The next part that `bytes` make, and what is left of them. None, when they are used up.
    pub(super) fn next<'a>(&mut self, mut bytes: &'a [u8]) -> Option<(Part<'a>, &'a [u8])> {
        let preface = bytes.len().min(PREFACE_BYTES - self.preface);
        self.preface += preface;
        bytes = &bytes[preface..];
        if bytes.is_empty() {
            return None;
        }
        if self.payload_left > 0 {
            let (payload, rest) = bytes.split_at(bytes.len().min(self.payload_left));
            self.payload_left -= payload.len();
            return Some((Part::Payload(self.kind, payload), rest));
        }
        if !self.begun {
            self.begun = true;
            return Some((Part::Begin, bytes));
        }
        let (part, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.filled));
        self.header[self.filled..self.filled + part.len()].copy_from_slice(part);
        self.filled += part.len();
        if self.filled < HEADER_BYTES {
            return None;
        }
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        (self.filled, self.begun) = (0, false);
        (self.payload_left, self.kind) = (length, kind);
        let frame = Frame {
            kind,
            flags,
            length,
        };
        Some((Part::Header(frame), rest))
    }

    /// Whether what came ends amid a frame that is not of a body: a body has its own time.
    pub(super) fn are_amid_one(&self) -> bool {
        self.filled > 0 || (self.payload_left > 0 && self.kind != DATA)
    }
}
