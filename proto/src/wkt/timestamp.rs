//! `google.protobuf.Timestamp`: RFC 3339 in UTC with a `Z`, and 0, 3, 6 or 9
//! digits of a second's fraction.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// A point in time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds on top of them, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// The fields of a timestamp name no point in time that we can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("timestamp lies outside the years 1 to 9999")
    }
}

impl std::error::Error for OutOfRange {}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self {
            seconds: time.timestamp(),
            // A leap second counts up to 1,999,999,999 in chrono.
            nanos: time.timestamp_subsec_nanos().min(999_999_999) as i32,
        }
    }
}

impl TryFrom<Timestamp> for DateTime<Utc> {
    type Error = OutOfRange;

    fn try_from(time: Timestamp) -> Result<Self, OutOfRange> {
        /// The first second of year 1 and the last of year 9999.
        const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
        let nanos = u32::try_from(time.nanos).map_err(|_| OutOfRange)?;
        if !SECONDS.contains(&time.seconds) || nanos > 999_999_999 {
            return Err(OutOfRange);
        }
        DateTime::from_timestamp(time.seconds, nanos).ok_or(OutOfRange)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = DateTime::<Utc>::try_from(*self).map_err(ser::Error::custom)?;
        serializer.collect_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a timestamp such as 2026-01-31T12:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                let time = DateTime::parse_from_rfc3339(text).map_err(E::custom)?;
                let time = Timestamp::from(time.to_utc());
                DateTime::<Utc>::try_from(time).map_err(E::custom)?;
                Ok(time)
            }
        }

        deserializer.deserialize_str(Text)
    }
}
