use std::convert::Infallible;

use http_body_util::StreamBody;
use serde_json::json;

use super::*;

const END_STREAM: u8 = 0b10;

fn envelope(flags: u8, payload: &[u8]) -> Vec<u8> {
    [&[flags][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
}

fn header(name: &'static str) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static("1"))
}

/// However chunks are cut, messages stay as they are, and a trailer set between the
/// messages reaches the EndStream, next to what it holds already.
#[tokio::test]
async fn trailers_set_while_streaming_reach_the_end_stream() {
    let end = br#"{"error":{"code":"aborted"},"metadata":{"x":["0"]}}"#;
    let messages = [envelope(0, b"\x02\0\0\0\0decoy"), envelope(1, b"")].concat();
    let all = [messages.clone(), envelope(END_STREAM, end)].concat();
    for size in 1..all.len() {
        let metadata = ResponseMetadata::default();
        let chunks: Vec<Bytes> = all.chunks(size).map(Bytes::copy_from_slice).collect();
        let handle = metadata.clone();
        let body = StreamBody::new(async_stream::stream! {
            for (i, chunk) in chunks.into_iter().enumerate() {
                if i == 0 {
                    let (name, value) = header("x");
                    handle.trailer(name, value);
                }
                yield Ok::<_, Infallible>(Frame::data(chunk));
            }
        });
        let response = http::Response::builder()
            .header(CONTENT_TYPE, "application/connect+json")
            .body(body)
            .unwrap();
        let body = finish(response, metadata.clone(), None).await.into_body();
        let out = body.collect().await.unwrap().to_bytes();
        let end = out.strip_prefix(&messages[..]).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&end[5..]).unwrap();
        assert_eq!(end[..5], envelope(END_STREAM, &end[5..])[..5]);
        assert_eq!(json["metadata"]["x"], json!(["0", "1"]));
        assert_eq!(metadata.outcome(), Some(tonic::Code::Aborted));
    }
}

#[tokio::test]
async fn a_trailers_only_answer_is_unfolded() {
    let metadata = ResponseMetadata::default();
    let ((h, one), (t, two)) = (header("h"), header("t"));
    metadata.header(h, one);
    metadata.trailer(t, two);
    let response = tonic::Status::aborted("x").into_http::<Body>();
    let (parts, body) = finish(response, metadata.clone(), None).await.into_parts();
    assert_eq!(
        (parts.headers.len(), &parts.headers["h"]),
        (2, &HeaderValue::from_static("1"))
    );
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap();
    assert_eq!(
        (&trailers["t"], &trailers["grpc-status"]),
        (&"1".parse().unwrap(), &"10".parse().unwrap())
    );
    assert_eq!(metadata.outcome(), Some(tonic::Code::Aborted));
}

fn stream(
    content_type: &str,
    body: impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
) -> (Body, ResponseMetadata) {
    let metadata = ResponseMetadata::default();
    let response = http::Response::builder()
        .header(CONTENT_TYPE, content_type)
        .body(body)
        .unwrap();
    let limit = Some(Deadline::after(Duration::from_secs(1800)));
    (
        finish_framed(response, metadata.clone(), limit, IDLE_MAX).into_body(),
        metadata,
    )
}

/// row: O-06
#[tokio::test]
async fn a_panic_inside_a_stream_ends_it_with_an_error() {
    let broken = || {
        StreamBody::new(futures::stream::poll_fn(
            |_| -> Poll<Option<Result<Frame<Bytes>, Infallible>>> { panic!("boom") },
        ))
    };
    let (body, metadata) = stream("application/connect+json", broken());
    let out = body.collect().await.unwrap().to_bytes();
    assert!(
        out[5..].starts_with(br#"{"error":{"code":"internal""#),
        "{out:?}"
    );
    assert!(!String::from_utf8_lossy(&out).contains("boom"));
    assert_eq!(metadata.outcome(), Some(tonic::Code::Internal));
    let (body, _) = stream("application/grpc", broken());
    let trailers = body.collect().await.unwrap().trailers().cloned().unwrap();
    assert_eq!(trailers["grpc-status"], "13");
}

#[tokio::test]
async fn a_silent_stream_is_ended_and_a_talking_one_is_not() {
    let body = StreamBody::new(async_stream::stream! {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            yield Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")));
        }
        std::future::pending::<()>().await;
    });
    let response = http::Response::builder()
        .header(CONTENT_TYPE, "application/grpc")
        .body(body);
    let limit = Some(Deadline::after(Duration::from_secs(60)));
    let idle_max = Duration::from_millis(100);
    let response = finish_framed(
        response.unwrap(),
        ResponseMetadata::default(),
        limit,
        idle_max,
    );
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "4");
    assert_eq!(body.to_bytes(), "xxx");
}
