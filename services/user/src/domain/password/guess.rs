//! Which passwords are guessed first: those that very many people chose, what a finger finds
//! along the keyboard, and what the account itself tells. Whoever tries to get in has tried all
//! of these within a minute, however they are dressed up.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The words of which most leaked passwords are made.
static WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("words.txt").lines().collect());
/// Rows and columns that fingers run along, in both directions.
const RUNS: [&str; 9] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiop",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmik",
    "!@#$%^&*()",
];
/// Keys as they lie under the fingers, on the board and on its pad of figures.
const BOARDS: [&[&str]; 2] = [
    &["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"],
    &["789", "456", "123", "0"],
];
/// What the keys of figures write with shift.
const SHIFTED: &str = ")!@#$%^&*(";
/// A password of ways over the keys is a way if they are this long, taken together.
const WAY_MIN: usize = 3;
/// How many digits and signs around a word make it no better than the word; of a run of them,
/// only the first counts.
const DRESSING_MAX: usize = 8;
/// How many characters of a run may come as a surprise, after those it begins with.
const SURPRISES_MAX: usize = 1;
/// A password that says the same again and again is as good as saying it once; so long may that be.
const REFRAIN_MAX: usize = 4;
/// The fewest letters by which a name or an address is recognised.
const OWN_MIN: usize = 3;

/// Whether a password is among the first that anybody would try for this account.
pub(super) fn is_guessed(password: &str, email: &str, name: &str) -> bool {
    let lower = password.to_lowercase();
    let own = own_words(&email.to_lowercase(), &name.to_lowercase());
    let is_word = |word: &str| WORDS.contains(word) || own.iter().any(|known| known == word);
    is_refrain(&lower)
        || is_date(&lower)
        || [&*lower, once(&lower)].into_iter().any(|text| {
            readings(text).any(|word| {
                let backwards: String = word.chars().rev().collect();
                is_word(&word) || is_word(once(&word)) || is_word(&backwards)
            }) || is_run(text)
                || is_way(text)
        })
}

/// What the account tells of its owner, in letters and digits alone.
fn own_words(email: &str, name: &str) -> Vec<String> {
    let local = email.split_once('@').map_or(email, |(local, _)| local);
    let backwards: Vec<&str> = name.split_whitespace().rev().collect();
    let whole = [email, local, name, &backwards.concat()];
    let parts = [local, name].into_iter().flat_map(|text| text.split(sign));
    let words = whole.into_iter().chain(parts).map(plain);
    words
        .filter(|word| word.chars().count() >= OWN_MIN)
        .collect()
}

/// The words that a password may stand for: itself and what is left without the digits and
/// signs around it, read as written and with figures for letters.
fn readings(lower: &str) -> impl Iterator<Item = String> {
    let dressing = |character: char| !character.is_alphabetic();
    let (no_front, no_back) = (
        lower.trim_start_matches(dressing),
        lower.trim_end_matches(dressing),
    );
    let front = weight(&lower[..lower.len() - no_front.len()]);
    let back = weight(&lower[no_back.len()..]);
    let undressed = [
        (lower, 0),
        (no_front, front),
        (no_back, back),
        (lower.trim_matches(dressing), front + back),
    ];
    let near = undressed
        .into_iter()
        .filter(|&(_, dressing)| dressing <= DRESSING_MAX);
    let spelt = near.flat_map(|(text, _)| {
        let spelt = [text, &letters(text, 'i'), &letters(text, 'l')];
        spelt.map(plain)
    });
    spelt.chain(interrupted(lower))
}

/// The word that one figure or sign stands in the middle of.
fn interrupted(lower: &str) -> Option<String> {
    let word: String = lower.chars().filter(|one| one.is_alphabetic()).collect();
    (lower.chars().count() == word.chars().count() + 1).then_some(word)
}

/// How many characters of a dressing somebody had to think of.
fn weight(dressing: &str) -> usize {
    dressing.chars().take(1).count() + surprises(dressing, 1)
}

/// Figures and signs read as the letters that they resemble.
fn letters(text: &str, one: char) -> String {
    let letter = |character| match character {
        '0' => 'o',
        '1' | '!' | '|' => one,
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    };
    text.chars().map(letter).collect()
}

/// The letters and digits alone.
fn plain(text: &str) -> String {
    text.chars().filter(|&one| !sign(one)).collect()
}

fn sign(character: char) -> bool {
    !character.is_alphanumeric()
}

/// Whether nearly every character follows from the one before it, or, where two runs are
/// woven into each other, from the one before that.
fn is_run(lower: &str) -> bool {
    (1..=2).any(|distance| surprises(lower, distance) <= SURPRISES_MAX)
}

/// How many characters do not follow from the one that stands so far before them.
fn surprises(text: &str, distance: usize) -> usize {
    let pairs = text.chars().zip(text.chars().skip(distance));
    pairs
        .filter(|&(before, after)| !follows(before, after))
        .count()
}

fn follows(before: char, after: char) -> bool {
    let along = |run: &&str| {
        let mut neighbours = run.chars().zip(run.chars().skip(1));
        neighbours.any(|(a, b)| (a, b) == (before, after) || (b, a) == (before, after))
    };
    before == after || RUNS.iter().any(along)
}

/// Whether a finger finds it in a few ways over neighbouring keys or along a run.
fn is_way(lower: &str) -> bool {
    let keys: Vec<char> = lower.chars().map(unshifted).collect();
    let jumps = keys.windows(2).filter(|pair| {
        let (from, to) = (pair[0], pair[1]);
        !follows(from, to) && !touches(from, to)
    });
    (jumps.count() + 1) * WAY_MIN <= keys.len()
}

fn unshifted(character: char) -> char {
    let digits = SHIFTED.chars().zip('0'..='9');
    let mut digit = digits.filter(|&(sign, _)| sign == character);
    digit.next().map_or(character, |(_, digit)| digit)
}

/// Whether two keys lie beside, above or aslant of each other.
fn touches(one: char, other: char) -> bool {
    BOARDS.iter().any(|rows| {
        let place = |key| {
            rows.iter().enumerate().find_map(|(row, keys)| {
                let column = keys.chars().position(|known| known == key);
                column.map(|column| (row, column))
            })
        };
        place(one).zip(place(other)).is_some_and(|(one, other)| {
            one.0.abs_diff(other.0) <= 1 && one.1.abs_diff(other.1) <= 1
        })
    })
}

/// Whether it is a day of the last hundred years or the next, in any order, with or without
/// signs between.
fn is_date(lower: &str) -> bool {
    let digits = plain(lower);
    if !digits.is_ascii() || !digits.bytes().all(|one| one.is_ascii_digit()) {
        return false;
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let is_day = |day: &str, month: &str| {
        (1..=31).contains(&number(day)) && (1..=12).contains(&number(month))
    };
    let is_day_month = |text: &str| {
        let (first, second) = text.split_at(2);
        is_day(first, second) || is_day(second, first)
    };
    let is_year = |text: &str| (1900..2100).contains(&number(text));
    match digits.len() {
        8 => {
            (is_year(&digits[..4]) && is_day_month(&digits[4..]))
                || (is_year(&digits[4..]) && is_day_month(&digits[..4]))
        }
        6 => is_day_month(&digits[..4]) || is_day_month(&digits[2..]),
        _ => false,
    }
}

/// Whether it is one short thing, said over and over.
fn is_refrain(lower: &str) -> bool {
    let one = once(lower);
    one.len() < lower.len() && one.chars().count() <= REFRAIN_MAX
}

/// What a text says that says it at least twice and nothing else, the last time maybe not to
/// its end; else the text.
fn once(text: &str) -> &str {
    let characters: Vec<char> = text.chars().collect();
    let again = |&period: &usize| {
        let mut pairs = characters.iter().zip(&characters[period..]);
        pairs.all(|(one, later)| one == later)
    };
    let period = (1..=characters.len() / 2).find(again);
    let end = period.and_then(|period| text.char_indices().nth(period));
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(password: &str) -> bool {
        is_guessed(password, "ada.byron@example.test", "Ada King Lovelace")
    }

    /// row: X23
    #[test]
    fn what_everybody_takes_is_guessed_however_it_is_dressed() {
        let dressed = "password Password1 P@ssw0rd PASSWORD!! pass-word 123password123 Pa$$w0rd \
            passw0rd2026 letmein! 1etmein99 Welcome1 welcome2026! iloveyou princess1 football \
            sunshine7 trustno1 Summer2026! admin123 administrator changeme qwerty123 dragon!! \
            monkey12345 m0nkey99 superman starwars computer internet baseball whatever $ecret12 \
            correcthorsebatterystaple pass1word drowssap Mar2024! Fall2025! hello1234 test1234 stoa2026 tinkerbell danielle \
            princesa spongebob jasmine1 Melissa1 rockyou1 blink182 blink-182! \
            password123456789 123456789password987654321 dragon0000000000000000";
        for password in dressed.split(' ') {
            assert!(guessed(password), "{password}");
        }
        assert!(guessed("pass word") && guessed("correct horse battery staple"));
    }

    /// row: X23
    #[test]
    fn what_everybody_takes_is_guessed_when_it_is_said_again() {
        let again = "passwordpassword monkeymonkey monkeymonkey1 !!DragonDragonDragon! \
            password1password1 passwordpasswordpass p4sswordpassw0rd lovelacelovelace \
            Lovelace1Lovelace1";
        for password in again.split(' ') {
            assert!(guessed(password), "{password}");
        }
    }

    /// row: X23
    #[test]
    fn every_word_is_guessed_in_every_dress() {
        for &word in WORDS.iter() {
            for password in [
                word.to_owned(),
                word.to_uppercase(),
                format!("{word}1"),
                format!("{word}123456789"),
                format!("2026{word}!!"),
                format!("{word}{word}"),
                format!("{word}1{word}1"),
            ] {
                assert!(guessed(&password), "{password}");
            }
        }
    }

    /// row: X23
    #[test]
    fn what_a_finger_finds_is_guessed() {
        let found = "12345678 123456789012 87654321 00000000 aaaaaaaaaaaa €€€€€€€€ abcdefgh \
            abcd1234 1234abcd zyxwvuts qwertyui qwertzuiop azertyuiop asdfghjkl zxcvbnm, \
            1qaz2wsx 1q2w3e4r qazwsxedc poiuytrewq 12341234 abcabcabc 123123123 lolololo \
            11112222 !@#$%^&* a1b2c3d4 A1B2C3D4! q1w2e3r4 1a2b3c4d5e p0o9i8u7 z1x2c3v4 \
            a1b2c3d4a1b2c3d4 123654789 987456321 147852369 147258369 741852963 159753456 \
            Qwer1234! qwer@1234 1qaz!QAZ !QAZ1qaz 123qwe!@# qwe123qwe abc123abc zxcasdqwe \
            1234567890-= Aa123456! 123456Aa! Aa@123456";
        for password in found.split(' ') {
            assert!(guessed(password), "{password}");
        }
    }

    /// row: X23
    #[test]
    fn a_day_is_guessed_however_it_is_written() {
        let days = "20261122 01021990 31121999 1990-01-01 01/01/1990 12/25/2000 24.12.85";
        for password in days.split(' ') {
            assert!(guessed(password), "{password}");
        }
        for password in ["19681362", "8305-1749", "31415926"] {
            assert!(!guessed(password), "{password}");
        }
    }

    /// row: X23
    #[test]
    fn what_the_account_tells_is_guessed() {
        let told = "ada.byron@example.test ada.byron AdaByron1 byron1815! lovelace L0velace! \
            adakinglovelace LovelaceKingAda Lovelace1852 ada12345";
        for password in told.split(' ') {
            assert!(guessed(password), "{password}");
        }
        assert!(
            !is_guessed("lovelace1852", "", ""),
            "to others it is a password"
        );
        assert!(
            !is_guessed("horse stable", "a@example.test", "A"),
            "one letter tells nothing"
        );
    }

    #[test]
    fn what_nobody_would_try_first_is_not_guessed() {
        for password in [
            "a short sentence",
            "correct horse",
            "another password",
            "a password",
            "stoa-demo",
            "nul \u{0} is fine",
            "пароль€€",
            "vX9#kq2L",
            "green tram at noon",
            "3.14159265x2",
            "passwords are hard",
            "lovely lace",
            "qwerty loves tea",
            "über den Wolken",
            "maria likes melissa",
            "monkey in the tree",
            "tinker, tailor, soldier",
            "password of a friend",
            "kettle kettle moss",
            "twelve wet otters",
            "b7Rk-w2Qp-x9Lm",
            "dragon 1984-07-23 18:05",
            "a1 sauce on eggs",
        ] {
            assert!(!guessed(password), "{password}");
        }
    }

    #[test]
    fn the_words_are_in_their_plain_form_and_each_once() {
        let words: Vec<&str> = include_str!("words.txt").lines().collect();
        assert!(words.is_sorted_by(|a, b| a < b), "sorted, each once");
        for word in words {
            assert_eq!(word, plain(&word.to_lowercase()), "{word}");
            assert!(word.chars().count() >= OWN_MIN, "{word}");
        }
    }
}
