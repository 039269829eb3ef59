//! One way to take any generated service: its routes, its tonic server, which has inherent methods and no trait
//! over them, and its handlers alone.

use std::sync::Arc;

use axum::Router;
use connectrpc_axum::message::{decode_json, decode_proto, encode_json, encode_proto};
use connectrpc_axum::prelude::{Code, ConnectError, ConnectRequest};
use connectrpc_axum::tonic::{BoxedCall, RequestContext};
use futures::future::BoxFuture;
use prost::Message;
use prost::bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::codec::CompressionEncoding;

/// What a generated builder comes to.
pub struct Mounted<S> {
    /// Connect's routes.
    pub routes: Router,
    /// gRPC's server.
    pub server: S,
    /// The handlers of rpcs with one message each way.
    pub direct: Directs,
}

/// A generated builder that has its handlers.
pub trait Mount {
    /// The tonic server it builds.
    type Server;

    /// Builds it all.
    fn mount(self) -> Mounted<Self::Server>;
}

/// How a message is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Protobuf's JSON.
    Json,
    /// Protobuf's bytes.
    Proto,
}

/// The handler of one rpc with one message each way, from bytes to bytes, with no route and no layer around it.
pub type Direct = Arc<dyn Fn(RequestContext, Form, &[u8]) -> Result<Answer, Unread> + Send + Sync>;

/// The answer, on its way, in the form of the request.
pub type Answer = BoxFuture<'static, Result<Bytes, ConnectError>>;

/// The message could not be read. It says why in the library's words.
#[derive(Debug)]
pub struct Unread(pub ConnectError);

/// Handlers by the paths of their rpcs.
#[derive(Default)]
pub struct Directs(Vec<(&'static str, Direct)>);

impl Directs {
    /// Keeps a handler, if there is one, and hands one on that does the same.
    pub fn share<Req, Resp>(
        &mut self,
        path: &'static str,
        handler: Option<BoxedCall<Req, Resp>>,
    ) -> Option<BoxedCall<Req, Resp>>
    where
        Req: Message + DeserializeOwned + Default + 'static,
        Resp: Message + Serialize + 'static,
    {
        let handler = Arc::new(handler?);
        self.0.push((path, direct(handler.clone())));
        Some(Box::new(move |context, request| handler(context, request)))
    }

    /// Takes the one of that path.
    pub fn get(&self, path: &str) -> Option<Direct> {
        let found = self.0.iter().find(|(of, _)| *of == path)?;
        Some(found.1.clone())
    }
}

fn direct<Req, Resp>(handler: Arc<BoxedCall<Req, Resp>>) -> Direct
where
    Req: Message + DeserializeOwned + Default + 'static,
    Resp: Message + Serialize + 'static,
{
    Arc::new(move |context, form, message| {
        let request: Req = match form {
            Form::Json => decode_json(message),
            Form::Proto => decode_proto(message),
        }
        .map_err(Unread)?;
        let answering = handler(Some(context), ConnectRequest(request));
        Ok(Box::pin(async move {
            let answer = answering.await?.0;
            match form {
                Form::Proto => Ok(encode_proto(&answer).into()),
                // A value that JSON has no form for, as a time after the year 9999. Nobody who asked is to blame.
                Form::Json => encode_json(&answer)
                    .map(Bytes::from)
                    .map_err(|_| ConnectError::new(Code::Internal, "Internal server error")),
            }
        }))
    })
}

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
