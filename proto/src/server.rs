//! One way to configure any generated tonic server: tonic gives each its own
//! inherent methods and no trait over them.

use tonic::codec::CompressionEncoding;

/// A generated tonic server whose limits and encodings can be set.
pub trait Limited: Sized {
    /// Sets the largest message that is read, after decompression, and the
    /// largest that is written; both in bytes.
    #[must_use]
    fn limited(self, receive_bytes: usize, send_bytes: usize) -> Self;

    /// Accepts messages in the encoding, and answers in it where the caller
    /// accepts it.
    #[must_use]
    fn encoding(self, encoding: CompressionEncoding) -> Self;

    /// Opens gzip, the one encoding that services speak beside identity.
    #[must_use]
    fn gzip(self) -> Self {
        self.encoding(CompressionEncoding::Gzip)
    }

    /// Opens every encoding tonic knows, as the conformance suite wants.
    #[must_use]
    fn every_encoding(self) -> Self {
        self.encoding(CompressionEncoding::Gzip)
            .encoding(CompressionEncoding::Deflate)
            .encoding(CompressionEncoding::Zstd)
    }
}
