//! The suite's service: it answers as its request asks, and tells what it saw.

use std::time::Duration;

use async_stream::stream;
use axum::extract::FromRequestParts;
use call::{
    Call, Code, ConnectError, ConnectRequest, ConnectResponse, ResponseMetadata, StreamBody,
    Streaming,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use crate::pb;
use crate::wkt::Any;
use pb::conformance_payload::{ConnectGetInfo, RequestInfo};
use pb::unary_response_definition::Response as UnaryOutcome;

type Answer<T> = Result<ConnectResponse<T>, ConnectError>;
type Messages<T> = Answer<StreamBody<BoxStream<'static, Result<T, ConnectError>>>>;

/// What a handler must know of the request beyond its messages.
pub struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    metadata: ResponseMetadata,
}

impl<S: Sync> FromRequestParts<S> for Seen {
    type Rejection = ConnectError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ConnectError> {
        let call = Call::from_request_parts(parts, state).await?;
        Ok(Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            metadata: call.response,
        })
    }
}

impl Seen {
    fn info(&self, requests: Vec<Any>) -> RequestInfo {
        let request_headers = self
            .headers
            .keys()
            .map(|name| pb::Header {
                name: name.to_string(),
                value: self
                    .headers
                    .get_all(name)
                    .iter()
                    .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                    .collect(),
            })
            .collect();
        let connect_timeout = || {
            self.headers
                .get("connect-timeout-ms")?
                .to_str()
                .ok()?
                .parse()
                .ok()
        };
        let timeout_ms = grpc_timeout(&self.headers)
            .map(|timeout| timeout.as_millis() as i64)
            .or_else(connect_timeout);
        let connect_get_info = (self.method == Method::GET).then(|| {
            let query = self.uri.query().unwrap_or_default();
            let query_params = form_urlencoded::parse(query.as_bytes())
                .map(|(name, value)| pb::Header {
                    name: name.into_owned(),
                    value: vec![value.into_owned()],
                })
                .collect();
            ConnectGetInfo { query_params }
        });
        RequestInfo {
            request_headers,
            timeout_ms,
            requests,
            connect_get_info,
        }
    }

    fn error(&self, error: pb::Error, info: Option<RequestInfo>) -> ConnectError {
        let code = code(error.code());
        let status = match error.message {
            Some(message) => ConnectError::new(code, message),
            None => ConnectError::from_code(code),
        };
        let info = info.map(|info| Any::pack("ConformancePayload.RequestInfo", &info));
        let details = error.details.into_iter().chain(info);
        details.fold(status, |status, any| {
            status.add_detail(any.type_url, any.value)
        })
    }

    fn set_metadata(&self, headers: &[pb::Header], trailers: &[pb::Header]) {
        for (name, value) in pairs(headers) {
            self.metadata.header(name, value);
        }
        for (name, value) in pairs(trailers) {
            self.metadata.trailer(name, value);
        }
    }

    async fn answer_one(
        &self,
        definition: Option<pb::UnaryResponseDefinition>,
        requests: Vec<Any>,
    ) -> Result<Option<pb::ConformancePayload>, ConnectError> {
        let info = self.info(requests);
        let definition = definition.unwrap_or_default();
        self.set_metadata(&definition.response_headers, &definition.response_trailers);
        sleep_ms(definition.response_delay_ms).await;
        let data = match definition.response {
            Some(UnaryOutcome::Error(error)) => return Err(self.error(error, Some(info))),
            Some(UnaryOutcome::ResponseData(data)) => data,
            None => Vec::new(),
        };
        Ok(payload(data, Some(info)))
    }
}

fn payload(data: Vec<u8>, request_info: Option<RequestInfo>) -> Option<pb::ConformancePayload> {
    Some(pb::ConformancePayload { data, request_info })
}

fn pairs(headers: &[pb::Header]) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    headers.iter().flat_map(|header| {
        let name = HeaderName::try_from(&header.name).expect("valid header name");
        header.value.iter().map(move |value| {
            (
                name.clone(),
                HeaderValue::try_from(value).expect("valid header value"),
            )
        })
    })
}

async fn sleep_ms(delay: u32) {
    if delay > 0 {
        tokio::time::sleep(Duration::from_millis(delay.into())).await;
    }
}

fn code(code: pb::Code) -> Code {
    connectrpc_axum::message::error::code_from_tonic(tonic::Code::from_i32(code as i32))
}

pub async fn unary(
    seen: Seen,
    ConnectRequest(request): ConnectRequest<pb::UnaryRequest>,
) -> Answer<pb::UnaryResponse> {
    let requests = vec![Any::pack("UnaryRequest", &request)];
    let payload = seen
        .answer_one(request.response_definition, requests)
        .await?;
    Ok(ConnectResponse(pb::UnaryResponse { payload }))
}

pub async fn idempotent_unary(
    seen: Seen,
    ConnectRequest(request): ConnectRequest<pb::IdempotentUnaryRequest>,
) -> Answer<pb::IdempotentUnaryResponse> {
    let requests = vec![Any::pack("IdempotentUnaryRequest", &request)];
    let payload = seen
        .answer_one(request.response_definition, requests)
        .await?;
    Ok(ConnectResponse(pb::IdempotentUnaryResponse { payload }))
}

pub async fn client_stream(
    seen: Seen,
    ConnectRequest(mut incoming): ConnectRequest<Streaming<pb::ClientStreamRequest>>,
) -> Answer<pb::ClientStreamResponse> {
    let mut definition = None;
    let mut requests = Vec::new();
    while let Some(request) = incoming.next().await.transpose()? {
        requests.push(Any::pack("ClientStreamRequest", &request));
        if requests.len() == 1 {
            definition = request.response_definition;
        }
    }
    let payload = seen.answer_one(definition, requests).await?;
    Ok(ConnectResponse(pb::ClientStreamResponse { payload }))
}

pub async fn server_stream(
    seen: Seen,
    ConnectRequest(request): ConnectRequest<pb::ServerStreamRequest>,
) -> Messages<pb::ServerStreamResponse> {
    let mut info = Some(seen.info(vec![Any::pack("ServerStreamRequest", &request)]));
    let definition = request.response_definition.unwrap_or_default();
    seen.set_metadata(&definition.response_headers, &definition.response_trailers);
    let messages = stream! {
        for data in definition.response_data {
            sleep_ms(definition.response_delay_ms).await;
            yield Ok(pb::ServerStreamResponse { payload: payload(data, info.take()) });
        }
        if let Some(error) = definition.error {
            yield Err(seen.error(error, info));
        }
    };
    Ok(ConnectResponse(StreamBody::new(Box::pin(messages))))
}

pub async fn bidi_stream(
    seen: Seen,
    ConnectRequest(mut incoming): ConnectRequest<Streaming<pb::BidiStreamRequest>>,
) -> Messages<pb::BidiStreamResponse> {
    let Some(first) = incoming.next().await.transpose()? else {
        return Ok(ConnectResponse(StreamBody::new(Box::pin(
            futures::stream::empty(),
        ))));
    };
    let mut requests = vec![Any::pack("BidiStreamRequest", &first)];
    let definition = first.response_definition.unwrap_or_default();
    seen.set_metadata(&definition.response_headers, &definition.response_trailers);
    let messages = stream! {
        let mut data = definition.response_data.into_iter();
        let mut answered = false;
        if first.full_duplex {
            let mut more = true;
            while more {
                let Some(data) = data.next() else { break };
                sleep_ms(definition.response_delay_ms).await;
                let info = match std::mem::replace(&mut answered, true) {
                    false => seen.info(std::mem::take(&mut requests)),
                    true => RequestInfo { requests: std::mem::take(&mut requests), ..Default::default() },
                };
                yield Ok(pb::BidiStreamResponse { payload: payload(data, Some(info)) });
                match incoming.next().await.transpose() {
                    Ok(Some(request)) => requests.push(Any::pack("BidiStreamRequest", &request)),
                    Ok(None) => more = false,
                    Err(error) => { yield Err(error); return }
                }
            }
        } else {
            loop {
                match incoming.next().await.transpose() {
                    Ok(Some(request)) => requests.push(Any::pack("BidiStreamRequest", &request)),
                    Ok(None) => break,
                    Err(error) => { yield Err(error); return }
                }
            }
        }
        // Half duplex, or responses left over when the client stopped sending.
        for data in data {
            sleep_ms(definition.response_delay_ms).await;
            let info = (!std::mem::replace(&mut answered, true)).then(|| seen.info(std::mem::take(&mut requests)));
            yield Ok(pb::BidiStreamResponse { payload: payload(data, info) });
        }
        if let Some(error) = definition.error {
            let info = (!answered).then(|| seen.info(requests));
            yield Err(seen.error(error, info));
        }
    };
    Ok(ConnectResponse(StreamBody::new(Box::pin(messages))))
}

/// What the client said of its time, for the suite to compare.
fn grpc_timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (amount, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let amount: u64 = amount.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}
