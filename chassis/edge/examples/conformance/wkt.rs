//! The `google.protobuf` messages of the suite. `Any` is the one it uses, and follows the
//! protobuf JSON mapping (`{"@type": …, fields…}`) for the types listed here.

use prost::Message;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Map;
use serde_json::Value as Json;

use crate::pb::conformance_payload::RequestInfo;
use crate::pb::{
    BidiStreamRequest, ClientStreamRequest, Header, IdempotentUnaryRequest, ServerStreamRequest,
    UnaryRequest, UnimplementedRequest,
};

#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

const PREFIX: &str = "type.googleapis.com/connectrpc.conformance.v1.";

impl Any {
    pub fn pack(name: &str, message: &impl Message) -> Self {
        Self {
            type_url: format!("{PREFIX}{name}"),
            value: message.encode_to_vec(),
        }
    }
}

struct Codec {
    to_json: fn(&[u8]) -> Result<Json, String>,
    from_json: fn(Json) -> Result<Vec<u8>, String>,
}

fn codec<T: Message + Default + Serialize + DeserializeOwned>() -> Codec {
    Codec {
        to_json: |bytes| {
            let message = T::decode(bytes).map_err(|e| e.to_string())?;
            serde_json::to_value(message).map_err(|e| e.to_string())
        },
        from_json: |value| {
            let message: T = serde_json::from_value(value).map_err(|e| e.to_string())?;
            Ok(message.encode_to_vec())
        },
    }
}

fn lookup(type_url: &str) -> Result<Codec, String> {
    Ok(match type_url.strip_prefix(PREFIX) {
        Some("UnaryRequest") => codec::<UnaryRequest>(),
        Some("IdempotentUnaryRequest") => codec::<IdempotentUnaryRequest>(),
        Some("ServerStreamRequest") => codec::<ServerStreamRequest>(),
        Some("ClientStreamRequest") => codec::<ClientStreamRequest>(),
        Some("BidiStreamRequest") => codec::<BidiStreamRequest>(),
        Some("UnimplementedRequest") => codec::<UnimplementedRequest>(),
        Some("Header") => codec::<Header>(),
        Some("ConformancePayload.RequestInfo") => codec::<RequestInfo>(),
        _ => return Err(format!("unknown message type {type_url}")),
    })
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = Map::new();
        if !self.type_url.is_empty() {
            let value = lookup(&self.type_url)
                .and_then(|codec| (codec.to_json)(&self.value))
                .map_err(S::Error::custom)?;
            json.insert("@type".to_owned(), self.type_url.clone().into());
            if let Json::Object(fields) = value {
                json.extend(fields);
            }
        }
        json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Map::deserialize(deserializer)?;
        let type_url = match json.remove("@type") {
            None => return Ok(Self::default()),
            Some(Json::String(type_url)) => type_url,
            Some(_) => return Err(D::Error::custom("@type must be a string")),
        };
        let value = lookup(&type_url)
            .and_then(|codec| (codec.from_json)(Json::Object(json)))
            .map_err(D::Error::custom)?;
        Ok(Self { type_url, value })
    }
}
