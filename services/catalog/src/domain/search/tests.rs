use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::product::{NewProduct, ProductId, Sku};

fn product(name: &str, category: &str, sku: &str, description: &str) -> Product {
    let draft = NewProduct {
        sku: Sku::new(sku),
        name: name.to_owned(),
        description: description.to_owned(),
        category: category.to_owned(),
        image_url: String::new(),
    };
    Product::new(ProductId(Uuid::nil()), draft, DateTime::UNIX_EPOCH)
}

fn words(text: &str) -> Vec<String> {
    words_of(text).collect()
}

fn prefixes(text: &str) -> Vec<String> {
    Query::parse(text)
        .terms
        .into_iter()
        .map(|term| term.prefix)
        .collect()
}

/// row: D16
#[test]
fn text_is_normalised_before_it_is_split() {
    assert_eq!(words("Café-Tasse, ROT; 2×"), ["cafe", "tasse", "rot", "2"]);
    assert_eq!(
        words("ﬁne ＬＡＭＰ Straße Ærø"),
        ["fine", "lamp", "strasse", "aero"]
    );
    assert_eq!(words("children's CHILDREN’S"), ["childrens", "childrens"]);
    assert_eq!(words("Лампа 灯 ランプ"), ["лампа", "灯", "ランプ"]);
    assert_eq!(words(" ?! "), [""; 0]);
}

/// row: D16
#[test]
fn a_name_outranks_a_category_a_sku_and_a_description() {
    let terms = terms(&product(
        "Desk lamp",
        "Lighting",
        "LMP-1",
        "A lamp for the desk; lighting, lmp.",
    ));
    assert_eq!(terms["desk"], WEIGHT_NAME + WEIGHT_DESCRIPTION);
    assert_eq!(terms["lighting"], WEIGHT_CATEGORY + WEIGHT_DESCRIPTION);
    assert_eq!(terms["lmp"], WEIGHT_SKU + WEIGHT_DESCRIPTION);
    assert_eq!(terms["for"], WEIGHT_DESCRIPTION);
    // Even found whole, all lesser fields together weigh less than the beginning of a word of the better one.
    const {
        assert!(
            WEIGHT_NAME
                > WHOLE_WORD_FACTOR * (WEIGHT_CATEGORY + WEIGHT_SKU + WEIGHT_DESCRIPTION) - 1
        )
    };
    const { assert!(WEIGHT_CATEGORY > WHOLE_WORD_FACTOR * (WEIGHT_SKU + WEIGHT_DESCRIPTION)) };
    const { assert!(WEIGHT_SKU > WHOLE_WORD_FACTOR * WEIGHT_DESCRIPTION) };
}

#[test]
fn a_query_drops_repeats_and_words_too_common_but_never_all() {
    assert_eq!(prefixes("the lamp for the Lamp"), ["lamp"]);
    assert_eq!(prefixes("the"), ["the"]);
    assert_eq!(prefixes("1 2 3 4 5 6 7 8 9 10").len(), QUERY_TERMS_MAX);
    assert_eq!(prefixes("!?"), [""; 0]);
}

#[test]
fn english_plurals_find_their_singular() {
    for (word, singulars) in [
        ("lamps", &["lamp"][..]),
        ("boxes", &["boxe", "box"]),
        ("benches", &["benche", "bench"]),
        ("vases", &["vase", "vas"]),
        ("candies", &["candie", "candy"]),
        ("glass", &[]),
        ("cactus", &[]),
        ("iris", &[]),
        ("gas", &[]),
        ("lamp", &[]),
    ] {
        assert_eq!(wholes(word)[0], word);
        assert_eq!(wholes(word)[1..], *singulars, "{word}");
    }
}

#[test]
fn a_wordy_product_keeps_its_heaviest_words() {
    let description: String = (0..1000).map(|n| format!("aaa{n} ")).collect();
    let terms = terms(&product("Zebra", "", "S", &description));
    assert_eq!(terms.len(), PRODUCT_TERMS_MAX);
    assert!(terms.contains_key("zebra"));
}

proptest! {
    /// row: D16
    #[test]
    fn normalising_twice_is_normalising_once(text in any::<String>()) {
        let once = words(&text).join(" ");
        prop_assert_eq!(words(&once).join(" "), once);
    }

    /// Whatever is typed of a name finds it, from its first letter on.
    /// row: D16
    #[test]
    fn the_beginning_of_an_indexed_word_lies_in_its_range(name in "\\PC{1,40}", cut in any::<prop::sample::Index>()) {
        for word in terms(&product(&name, "", "", "")).keys() {
            let characters: Vec<char> = word.chars().collect();
            let typed: String = characters[..=cut.index(characters.len())].iter().collect();
            prop_assert!(typed.as_bytes() <= word.as_bytes());
            prop_assert!(word.as_bytes() < prefix_end(&typed).as_slice());
        }
    }

    #[test]
    fn every_term_is_bounded(text in any::<String>()) {
        for term in Query::parse(&text).terms {
            prop_assert!((1..=TERM_CHARACTERS_MAX).contains(&term.prefix.chars().count()));
        }
    }
}
