use proptest::prelude::*;

use super::*;

const LIFETIME: TimeDelta = TimeDelta::days(14);
const GRACE: TimeDelta = TimeDelta::seconds(10);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn started() -> (Session, RefreshToken) {
    let id = SessionId(Uuid::from_u128(7));
    Session::start(
        id,
        UserId(Uuid::from_u128(1)),
        ([2; 16], [3; 32]),
        at(0),
        LIFETIME,
    )
}

fn present(session: &mut Session, token: &RefreshToken, seconds: i64) -> RefreshOutcome {
    let nonce = Sha256::digest(seconds.to_be_bytes()).into();
    session.present(token, nonce, at(seconds), GRACE)
}

fn rotated(session: &mut Session, token: &RefreshToken, seconds: i64) -> RefreshToken {
    match present(session, token, seconds) {
        RefreshOutcome::Rotated(successor) => successor,
        other => panic!("{other:?}"),
    }
}

/// row: X23
#[test]
fn each_use_gives_another_token() {
    let (mut session, first) = started();
    let second = rotated(&mut session, &first, 1);
    let third = rotated(&mut session, &second, 2);
    assert!(first != second && second != third && first != third);
}

/// row: X23
#[test]
fn two_tabs_at_once_get_the_same_successor() {
    let (mut session, first) = started();
    let second = rotated(&mut session, &first, 1);
    let before = session.clone();
    assert_eq!(
        present(&mut session, &first, 11),
        RefreshOutcome::Again(second.clone())
    );
    assert_eq!(session, before);
    rotated(&mut session, &second, 12);
}

/// The replica that noted the turn may be ten seconds behind the one that is asked again, or ahead.
///
/// row: X23
#[test]
fn two_clocks_that_differ_take_nothing_from_the_grace() {
    for apart in [-10, 10] {
        let (mut session, first) = started();
        let second = rotated(&mut session, &first, 100);
        for later in [0, 10] {
            let again = present(&mut session, &first, 100 + later + apart);
            assert_eq!(
                again,
                RefreshOutcome::Again(second.clone()),
                "{apart} {later}"
            );
        }
    }
}

/// row: X23
#[test]
fn a_token_used_again_later_is_theft() {
    for seconds in [122, 80] {
        let (mut session, first) = started();
        rotated(&mut session, &first, 101);
        assert_eq!(
            present(&mut session, &first, seconds),
            RefreshOutcome::Reused,
            "{seconds}"
        );
    }
}

/// row: X23
#[test]
fn grace_is_for_the_last_token_only() {
    let (mut session, first) = started();
    let second = rotated(&mut session, &first, 1);
    rotated(&mut session, &second, 2);
    assert_eq!(present(&mut session, &first, 3), RefreshOutcome::Reused);
}

/// row: X23
#[test]
fn a_session_ends_after_its_lifetime_however_often_it_is_used() {
    let (mut session, first) = started();
    let last = LIFETIME.num_seconds();
    let second = rotated(&mut session, &first, last - 1);
    assert_eq!(
        present(&mut session, &second, last),
        RefreshOutcome::Expired
    );
}

/// row: X23
#[test]
fn a_made_up_token_ends_nobodys_session() {
    let (mut session, first) = started();
    let before = session.clone();
    let forged = RefreshToken {
        family: [9; 16],
        ..first.clone()
    };
    assert_eq!(present(&mut session, &forged, 1), RefreshOutcome::Forged);
    assert_eq!(session, before);
    rotated(&mut session, &first, 2);
}

/// What the database holds is not enough to make the next token.
///
/// row: X23
#[test]
fn hashes_and_nonces_are_not_tokens() {
    let (mut session, first) = started();
    let second = rotated(&mut session, &first, 1);
    let turn = session.last.clone().unwrap();
    for known in [
        session.family_hash,
        session.turn_hash,
        turn.hash,
        turn.nonce,
    ] {
        let guess = RefreshToken {
            turn: known,
            ..second.clone()
        };
        assert_eq!(
            present(&mut session.clone(), &guess, 2),
            RefreshOutcome::Reused
        );
        assert_ne!(guess.successor(&turn.nonce), second);
    }
}

#[test]
fn a_token_is_86_plain_characters_and_reads_back() {
    let (_, token) = started();
    let text = token.reveal();
    assert_eq!(text.len(), 86);
    assert_eq!(RefreshToken::parse(&text), Some(token.clone()));
    assert!(!format!("{token:?}").contains(&text[40..]));
    for bad in [
        "",
        "x",
        &text[1..],
        &format!("{text}A"),
        &text.replace('A', "="),
    ] {
        assert_eq!(RefreshToken::parse(bad), None, "{bad:?}");
    }
}

proptest! {
    /// Any text is a token or is not one: reading it never panics.
    ///
    /// row: S-10
    #[test]
    fn reading_a_token_never_panics(text in ".{0,200}") {
        let read = RefreshToken::parse(&text);
        prop_assert!(read.is_none_or(|token| token.reveal() == text));
    }

    /// However the holders of a family take turns, there is at most one good token at a time, and
    /// every other one that was handed out is either answered alike or ends the session.
    ///
    /// row: X23
    #[test]
    fn there_is_one_good_token(uses in prop::collection::vec((0_usize..8, 0_i64..20), 1..30)) {
        let (mut session, first) = started();
        let (mut handed_out, mut now) = (vec![first], 0);
        for (index, wait) in uses {
            now += wait;
            let newest = handed_out.len() - 1;
            let index = index.min(newest);
            let token = handed_out[newest - index].clone();
            match present(&mut session, &token, now) {
                RefreshOutcome::Rotated(successor) => {
                    prop_assert_eq!(index, 0);
                    handed_out.push(successor);
                }
                RefreshOutcome::Again(successor) => {
                    prop_assert_eq!(index, 1);
                    prop_assert_eq!(&successor, handed_out.last().unwrap());
                }
                RefreshOutcome::Reused => {
                    prop_assert!(index >= 1);
                    break;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
