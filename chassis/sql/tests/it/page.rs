//! Page sizes and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use sql::page::{Error, Signer, cut, size};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Position {
    at: i64,
    id: String,
}

fn signer() -> Signer {
    Signer::new([1; 32])
}

fn position() -> Position {
    Position {
        at: 5,
        id: "018f".into(),
    }
}

#[test]
fn a_page_has_twenty_rows_unless_asked_and_a_hundred_at_most() {
    assert_eq!(size(0), Ok(20));
    assert_eq!(size(1), Ok(1));
    assert_eq!(size(100), Ok(100));
    assert_eq!(size(101), Ok(100));
    assert_eq!(size(i32::MAX), Ok(100));
    assert_eq!(size(-1), Err(Error::Size));
    assert_eq!(size(i32::MIN), Err(Error::Size));
}

#[test]
fn a_row_too_many_tells_that_more_follow() {
    for (found, shown, more) in [(0, 0, false), (2, 2, false), (3, 2, true)] {
        let mut rows: Vec<i32> = (0..found).collect();
        assert_eq!(cut(&mut rows, 2), more);
        assert_eq!(rows.len(), shown);
    }
}

#[test]
fn a_token_opens_with_its_key_and_filter_alone() {
    let token = signer().sign(&position(), &("user:1", "pending"));
    assert_eq!(
        signer().open(&token, &("user:1", "pending")),
        Ok(Some(position()))
    );
    let refused = Err::<Option<Position>, _>(Error::Token);
    assert_eq!(signer().open(&token, &("user:2", "pending")), refused);
    assert_eq!(signer().open(&token, &("user:1", "")), refused);
    assert_eq!(
        Signer::new([2; 32]).open(&token, &("user:1", "pending")),
        refused
    );
    assert_eq!(
        signer().open::<Position>("", &("user:1", "pending")),
        Ok(None)
    );
    assert_eq!(format!("{:?}", signer()), "Signer", "its key is not shown");
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let token = signer().sign(&position(), &"filter");
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(
            signer().open::<Position>(&token, &"filter"),
            Err(Error::Token),
            "bit {bit}"
        );
    }
    for length in 1..token.len() {
        let cut = signer().open::<Position>(&token[..length], &"filter");
        assert_eq!(cut, Err(Error::Token), "cut to {length}");
    }
    let long = "A".repeat(1 << 20);
    assert_eq!(
        signer().open::<Position>(&long, &"filter"),
        Err(Error::Token)
    );
}

proptest! {
    #[test]
    fn any_position_reads_back(at: i64, id: String, filter: String) {
        let position = Position { at, id };
        let token = signer().sign(&position, &filter);
        // A token that would be refused for its length is one that nobody should be given.
        prop_assume!(token.len() <= 2048);
        prop_assert_eq!(signer().open(&token, &filter), Ok(Some(position)));
    }

    #[test]
    fn any_other_text_is_refused(text in ".+") {
        prop_assert_eq!(signer().open::<Position>(&text, &"filter"), Err(Error::Token));
    }
}
