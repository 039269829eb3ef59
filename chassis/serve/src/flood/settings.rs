//! What a peer says in its SETTINGS (RFC 9113, 6.5.1), of which one is asked: how much of an answer it takes unread.

const SETTING_BYTES: usize = 6;
const INITIAL_WINDOW_SIZE: u16 = 4;

/// Who takes fewer bytes of an answer unread is narrow.
const WINDOW_BYTES_MIN: u32 = 4 << 10;

/// The settings of a peer, as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Settings {
    setting: [u8; SETTING_BYTES],
    filled: usize,
    narrow: bool,
}

impl Settings {
    /// Another frame begins.
    pub(super) fn begin(&mut self) {
        self.filled = 0;
    }

    pub(super) fn read(&mut self, payload: &[u8]) {
        for byte in payload {
            self.setting[self.filled] = *byte;
            self.filled += 1;
            if self.filled == SETTING_BYTES {
                self.filled = 0;
                let [high, low, value @ ..] = self.setting;
                let is_window = u16::from_be_bytes([high, low]) == INITIAL_WINDOW_SIZE;
                self.narrow |= is_window && u32::from_be_bytes(value) < WINDOW_BYTES_MIN;
            }
        }
    }

    /// Whether the peer ever said that it takes less of an answer than a short one has.
    pub(super) fn are_narrow(&self) -> bool {
        self.narrow
    }
}
