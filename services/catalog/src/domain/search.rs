//! By which words a product is found, and how good a find it is.
//!
//! Text is normalised (NFKC, lower case, accents and a few ligatures of Latin letters folded) and split into
//! words. A product is indexed under each of its words with a weight: the sum of its fields that hold it. A
//! query matches a product when each of its words is the beginning of one of the product's words; the score
//! is the sum over the query's words of the best weight so matched, a whole word counting double. Weights are
//! chosen so that the better field outranks all lesser ones together.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::domain::product::Product;

/// Words that a product is indexed under at most; the heaviest are kept.
pub const PRODUCT_TERMS_MAX: usize = 256;
/// Words of a query that count; the rest is not looked at.
pub const QUERY_TERMS_MAX: usize = 8;
/// Characters of a word that count.
pub const TERM_CHARACTERS_MAX: usize = 32;
/// A word found whole is worth this many times one found by its beginning.
pub const WHOLE_WORD_FACTOR: i32 = 2;

const WEIGHT_NAME: i32 = 64;
const WEIGHT_CATEGORY: i32 = 16;
const WEIGHT_SKU: i32 = 4;
const WEIGHT_DESCRIPTION: i32 = 1;

/// English words too common to narrow a search, left out of a query that has others.
const STOP_WORDS: [&str; 12] = [
    "a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "the", "with",
];

/// One word to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Matches every word that begins so.
    pub prefix: String,
    /// Matches these words as a whole: the word itself and, if it looks like an English plural, its singulars.
    pub wholes: Vec<String>,
}

/// A search as the shopper meant it: all of its terms must be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub terms: Vec<Term>,
}

impl Query {
    /// Reads what a shopper typed. Without a single letter or digit in it there are no terms, and nothing is found.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        for word in words_of(text) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if words.iter().any(|word| !is_stop_word(word)) {
            words.retain(|word| !is_stop_word(word));
        }
        words.truncate(QUERY_TERMS_MAX);
        let terms = words
            .into_iter()
            .map(|prefix| Term {
                wholes: wholes(&prefix),
                prefix,
            })
            .collect();
        Self { terms }
    }
}

/// The words a product is found by, each with its weight.
#[must_use]
pub fn terms(product: &Product) -> BTreeMap<String, i32> {
    let mut terms = BTreeMap::<String, i32>::new();
    for (text, weight) in [
        (product.name.as_str(), WEIGHT_NAME),
        (product.category.as_str(), WEIGHT_CATEGORY),
        (product.sku.as_str(), WEIGHT_SKU),
        (product.description.as_str(), WEIGHT_DESCRIPTION),
    ] {
        let mut words: Vec<String> = words_of(text).collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            *terms.entry(word).or_default() += weight;
        }
    }
    if terms.len() > PRODUCT_TERMS_MAX {
        let mut heaviest: Vec<(String, i32)> = terms.into_iter().collect();
        heaviest.sort_by_key(|(_, weight)| -weight);
        heaviest.truncate(PRODUCT_TERMS_MAX);
        return heaviest.into_iter().collect();
    }
    terms
}

/// The bytes from which on no word begins with `prefix`: its last byte plus one, which UTF-8 always has room for.
#[must_use]
pub fn prefix_end(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// The normalised words of a text, in order, repeats included.
fn words_of(text: &str) -> impl Iterator<Item = String> {
    normalised(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(TERM_CHARACTERS_MAX).collect())
        .collect::<Vec<String>>()
        .into_iter()
}

/// NFKC and lower case; Latin accents, ligatures and apostrophes folded away, so that `Café`, `cafe` and
/// `children's`, `childrens` meet.
fn normalised(text: &str) -> String {
    let decomposed = text.nfkc().flat_map(char::to_lowercase).nfd();
    let mut folded = String::with_capacity(text.len());
    for character in decomposed {
        match character {
            '\u{300}'..='\u{36f}' | '\'' | '\u{2019}' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            other => folded.push(other),
        }
    }
    folded.nfkc().collect()
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// The word itself and what it may be the plural of: `lamps` → `lamp`, `vases` → `vase` and `vas`,
/// `candies` → `candy`. A wrong singular is no word of any product and finds nothing.
fn wholes(word: &str) -> Vec<String> {
    let mut wholes = vec![word.to_owned()];
    let stem = word.strip_suffix('s').filter(|stem| stem.len() >= 3);
    let Some(stem) = stem.filter(|stem| !stem.ends_with(['s', 'u', 'i'])) else {
        return wholes; // no plural, as in glass, cactus, iris, gas
    };
    wholes.push(stem.to_owned());
    if let Some(candy) = stem.strip_suffix("ie") {
        wholes.push(format!("{candy}y"));
    } else if let Some(stem) = stem.strip_suffix('e').filter(|stem| hisses(stem)) {
        wholes.push(stem.to_owned());
    }
    wholes
}

fn hisses(stem: &str) -> bool {
    stem.ends_with(['s', 'x', 'z']) || stem.ends_with("ch") || stem.ends_with("sh")
}

#[cfg(test)]
mod tests;
