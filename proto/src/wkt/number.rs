//! A number as the JSON mapping has it: bare or in a string, and an integer in any form of which
//! the value is whole. pbjson takes digits alone.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Below it a float keeps every integer, and serde_json, which may miss a float by a little, misses
/// it by less than one.
const EXACT: f64 = 1e15;

/// A number of a message, read from JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number<T>(pub T);

/// What JSON has for one; the first that fits is meant.
#[derive(Deserialize)]
#[serde(untagged)]
enum Form<'a, T> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Plain(T),
    Float(f64),
}

impl<'de, T> Deserialize<'de> for Number<T>
where
    T: FromStr<Err: Display> + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let none = || de::Error::custom("a number that the field cannot hold");
        match Form::deserialize(deserializer)? {
            Form::Plain(number) => Ok(Self(number)),
            Form::Float(value) => whole(value).ok_or_else(none),
            Form::Text(text) => text.parse().map(Self).or_else(|refused| {
                let value = text.parse().ok().and_then(whole);
                value.ok_or_else(|| de::Error::custom(refused))
            }),
        }
    }
}

/// The integer that a float is, if it is one.
fn whole<T: FromStr>(value: f64) -> Option<Number<T>> {
    let digits = (value + 0.0).to_string(); // of -0.0 too
    let exact = value.abs() < EXACT;
    exact.then(|| digits.parse().ok().map(Number)).flatten()
}
