//! Small changes of good bytes, drawn from a seed, so that a run can be repeated.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// What parsers are known to stumble over.
const TOKENS: [&[u8]; 40] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x80\xae",
    b"\x1b[31m",
    b"\r\n",
    b"\n",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"{",
    b"[",
    b"}",
    b"]",
    b"\"",
    b",",
    b":",
    b"\\u0000",
    b"\\ud800",
    b"NaN",
    b"1e400",
    b"-1",
    b"0",
    b"2147483648",
    b"9223372036854775808",
    b"18446744073709551616",
    b"0.1",
    b"=",
    b"%00",
    b"%",
    b"' OR 1=1 --",
    b"../../",
];
/// How many changes are made at once.
const CHANGES_MAX: usize = 4;
/// The longest run of bytes that is moved or repeated.
const RUN_MAX: usize = 64;

/// Draws changes.
pub struct Mutator(StdRng);

impl Mutator {
    /// The changes of a seed.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// One of them.
    ///
    /// # Panics
    /// If there is none.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        of.choose(&mut self.0).expect("there is one to choose")
    }

    /// `bytes` with a few changes.
    pub fn change(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(CHANGES_MAX) {
            self.change_once(&mut bytes);
        }
        bytes
    }

    /// Some part of it: from, to.
    fn run(&mut self, bytes: &[u8]) -> (usize, usize) {
        let from = self.below(bytes.len() + 1);
        let length = self.below(RUN_MAX.min(bytes.len() - from) + 1);
        (from, from + length)
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.0.random(),
            2 => bytes.truncate(at),
            3 => {
                let (from, to) = self.run(bytes);
                bytes.drain(from..to);
            }
            4 => {
                let (from, to) = self.run(bytes);
                let again = bytes[from..to].repeat(1 + self.below(3));
                bytes.splice(to..to, again);
            }
            5 => {
                let (from, to) = self.run(bytes);
                let moved: Vec<u8> = bytes.drain(from..to).collect();
                let at = self.below(bytes.len() + 1);
                bytes.splice(at..at, moved);
            }
            6 => {
                let (from, to) = self.run(bytes);
                let token = *self.one(&TOKENS);
                bytes.splice(from..to, token.iter().copied());
            }
            7 => {
                let deep = *self.one(b"[{\x0a\x0b");
                let many = self.below(300);
                bytes.splice(at..at, std::iter::repeat_n(deep, many));
            }
            _ => {
                let token = *self.one(&TOKENS);
                bytes.splice(at..at, token.iter().copied());
            }
        }
    }
}
