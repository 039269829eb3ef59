//! Which passwords are guessed first: those that very many people chose, what a finger finds
//! along the keyboard, and what the account itself tells. Whoever tries to get in has tried all
//! of these within a minute, however they are dressed up.

/// The words of which most leaked passwords are made, one a line.
const WORDS: &str = include_str!("words.txt");
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
/// How many digits and signs around a word make it no better than the word.
const DRESSING_MAX: usize = 8;
/// How many characters of a password must not follow from the one before it.
const SURPRISES_MIN: usize = 3;
/// A password that says the same again and again is as good as saying it once; so long may that be.
const REFRAIN_MAX: usize = 4;
/// The fewest letters by which a name or an address is recognised.
const OWN_MIN: usize = 3;

/// Whether a password is among the first that anybody would try for this account.
pub(super) fn is_guessed(password: &str, email: &str, name: &str) -> bool {
    let lower = password.to_lowercase();
    let own = own_words(&email.to_lowercase(), &name.to_lowercase());
    is_run(&lower)
        || is_refrain(&lower)
        || readings(&lower)
            .any(|word| WORDS.lines().any(|known| known == word) || own.contains(&word))
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
    let undressed = [
        lower,
        lower.trim_start_matches(dressing),
        lower.trim_end_matches(dressing),
        lower.trim_matches(dressing),
    ];
    let count = |text: &str| text.chars().count();
    let near = move |text: &&str| count(lower) - count(text) <= DRESSING_MAX;
    undressed.into_iter().filter(near).flat_map(|text| {
        let spelt = [text, &letters(text, 'i'), &letters(text, 'l')];
        spelt.map(plain)
    })
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

/// Whether nearly every character follows from the one before it.
fn is_run(lower: &str) -> bool {
    let characters: Vec<char> = lower.chars().collect();
    let surprises = characters
        .windows(2)
        .filter(|pair| !follows(pair[0], pair[1]));
    1 + surprises.count() < SURPRISES_MIN
}

fn follows(before: char, after: char) -> bool {
    let along = |run: &&str| {
        let mut neighbours = run.chars().zip(run.chars().skip(1));
        neighbours.any(|(a, b)| (a, b) == (before, after) || (b, a) == (before, after))
    };
    before == after || RUNS.iter().any(along)
}

/// Whether it is one short thing, said over and over.
fn is_refrain(lower: &str) -> bool {
    let characters: Vec<char> = lower.chars().collect();
    (1..=REFRAIN_MAX.min(characters.len() / 2)).any(|period| {
        let mut pairs = characters.iter().zip(&characters[period..]);
        pairs.all(|(one, later)| one == later)
    })
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
            correcthorsebatterystaple hello1234 test1234 stoa2026";
        for password in dressed.split(' ') {
            assert!(guessed(password), "{password}");
        }
        assert!(guessed("pass word") && guessed("correct horse battery staple"));
    }

    /// row: X23
    #[test]
    fn what_a_finger_finds_is_guessed() {
        let found = "12345678 123456789012 87654321 00000000 aaaaaaaaaaaa €€€€€€€€ abcdefgh \
            abcd1234 1234abcd zyxwvuts qwertyui qwertzuiop azertyuiop asdfghjkl zxcvbnm, \
            1qaz2wsx 1q2w3e4r qazwsxedc poiuytrewq 12341234 abcabcabc 123123123 lolololo \
            11112222 !@#$%^&*";
        for password in found.split(' ') {
            assert!(guessed(password), "{password}");
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
        ] {
            assert!(!guessed(password), "{password}");
        }
    }

    #[test]
    fn the_words_are_in_their_plain_form_and_each_once() {
        let words: Vec<&str> = WORDS.lines().collect();
        assert!(words.is_sorted_by(|a, b| a < b), "sorted, each once");
        for word in words {
            assert_eq!(word, plain(&word.to_lowercase()), "{word}");
            assert!(word.chars().count() >= OWN_MIN, "{word}");
        }
    }
}
