//! The one call that every contender answers: GetProduct, on each protocol, with the bytes of
//! a right answer.

use http::HeaderValue;
use prost::Message;
use proto::catalog::v1::catalog_service::GET_PRODUCT;
use proto::catalog::v1::{GetProductRequest, GetProductResponse, Product};
use proto::pricing::v1::Money;

/// What the generator asks for.
const PRODUCT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// A protocol that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Connect over HTTP/1.1, JSON.
    ConnectJson,
    /// Connect over HTTP/1.1, protobuf.
    ConnectProto,
    /// gRPC over HTTP/2.
    Grpc,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ConnectJson, Self::ConnectProto, Self::Grpc];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectJson => "connect_json",
            Self::ConnectProto => "connect_proto",
            Self::Grpc => "grpc",
        }
    }
}

/// A request and the only answer that counts as one.
#[derive(Clone, Debug)]
pub struct Call {
    /// The path.
    pub path: &'static str,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The request's body.
    pub body: Vec<u8>,
    /// The answer's body.
    pub answer: Vec<u8>,
}

impl Call {
    /// The call on `protocol` by the bearer of `token`.
    pub fn new(protocol: Protocol, token: &str) -> Self {
        let (request, answer) = (question(), answer());
        let json = |value| serde_json::to_vec(&value).expect("a message is JSON");
        let (kind, body, answer) = match protocol {
            Protocol::ConnectJson => (
                "application/json",
                json(serde_json::to_value(&request).expect("a message is JSON")),
                serde_json::to_vec(&answer).expect("a message is JSON"),
            ),
            Protocol::ConnectProto => (
                "application/proto",
                request.encode_to_vec(),
                answer.encode_to_vec(),
            ),
            Protocol::Grpc => (
                "application/grpc",
                envelope(&request.encode_to_vec()),
                envelope(&answer.encode_to_vec()),
            ),
        };
        let mut headers = vec![
            ("content-type", kind.to_owned()),
            ("authorization", format!("Bearer {token}")),
            ("user-agent", "stoa-bench".to_owned()),
        ];
        headers.push(match protocol {
            Protocol::Grpc => ("te", "trailers".to_owned()),
            _ => ("connect-protocol-version", "1".to_owned()),
        });
        assert!(
            headers
                .iter()
                .all(|(_, value)| HeaderValue::from_str(value).is_ok()),
            "headers of a call are legal"
        );
        Self {
            path: GET_PRODUCT,
            headers,
            body,
            answer,
        }
    }
}

/// What is asked.
pub fn question() -> GetProductRequest {
    GetProductRequest {
        id: PRODUCT.to_owned(),
    }
}

/// The only right answer to that.
pub fn answer() -> GetProductResponse {
    GetProductResponse {
        product: Some(product(PRODUCT.to_owned())),
    }
}

/// The product that every contender answers with.
pub fn product(id: String) -> Product {
    Product {
        id,
        sku: "LAMP-BRASS-01".to_owned(),
        name: "Brass reading lamp".to_owned(),
        description: "A reading lamp of solid brass with a linen shade and a heavy foot, \
            for desks and bedsides alike."
            .to_owned(),
        category: "Lighting".to_owned(),
        image_url: "/assets/products/lamp-brass-01.svg".to_owned(),
        display_price: Some(Money {
            currency_code: "EUR".to_owned(),
            minor_units: 8_900,
        }),
        ..Product::default()
    }
}

fn envelope(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a message is short");
    [&[0][..], &length.to_be_bytes(), message].concat()
}
