//! How large a message may be.

use std::collections::HashMap;

/// The largest messages, in bytes, after decompression.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What is read, unless the service is named below.
    pub receive: usize,
    /// What is read by services of these full names.
    pub receive_of: HashMap<String, usize>,
    /// What is written.
    pub send: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            receive: 1 << 20,
            receive_of: HashMap::new(),
            send: 4 << 20,
        }
    }
}

impl Limits {
    /// The limit of one service.
    pub fn receive(&self, service: &str) -> usize {
        self.receive_of
            .get(service)
            .copied()
            .unwrap_or(self.receive)
    }
}
