//! What the page of a product says of itself before any script runs: to search engines, to
//! whoever is sent the address, and in the list of open tabs.

use proto::catalog::v1::Product;

/// How much of a description is worth a line in a list of results, in characters.
const SUMMARY_MAX: usize = 200;

/// The head of a product's page. It names no picture: ours are drawings at paths of this
/// shop, and what shows previews takes neither a drawing nor an address without a host.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    name: String,
    summary: String,
}

impl From<Product> for Head {
    fn from(product: Product) -> Self {
        let described = match product.description.trim() {
            "" => &product.name,
            text => text,
        };
        Self {
            summary: summary(described),
            name: product.name,
        }
    }
}

impl Head {
    /// The page with this head instead of its own; none if it has no head that we know.
    pub(super) fn write(&self, page: &str) -> Option<String> {
        let (name, summary) = (escape(&self.name), escape(&self.summary));
        let title = format!("<title>{name} · Stoa</title>");
        let tags = format!(
            "<meta name=\"description\" content=\"{summary}\" />\n    \
             <meta property=\"og:title\" content=\"{name}\" />\n    \
             <meta property=\"og:description\" content=\"{summary}\" />"
        );
        let page = replace(page, "<title>", "</title>", &title)?;
        replace(&page, "<meta name=\"description\"", ">", &tags)
    }
}

/// The text with what stands from the first `start` to the `end` after it replaced.
fn replace(text: &str, start: &str, end: &str, with: &str) -> Option<String> {
    let (before, rest) = text.split_once(start)?;
    let (_, after) = rest.split_once(end)?;
    Some([before, with, after].concat())
}

/// The beginning of a text on one line, cut between two words.
fn summary(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(SUMMARY_MAX) else {
        return line;
    };
    let cut = &line[..end];
    let whole_words = cut.rsplit_once(' ').map_or(cut, |(words, _)| words);
    format!("{whole_words}…")
}

/// The text as it stands in HTML, between tags and in a quoted attribute alike.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../web-client/index.html");

    fn head(name: &str, description: &str) -> Head {
        Head::from(Product {
            name: name.to_owned(),
            description: description.to_owned(),
            ..Product::default()
        })
    }

    /// row: G1
    #[test]
    fn the_page_is_about_the_product_and_otherwise_the_same() {
        let page = head("Desk lamp", "Long\n  arm.").write(PAGE).unwrap();
        for part in [
            "<title>Desk lamp · Stoa</title>",
            "<meta name=\"description\" content=\"Long arm.\" />",
            "<meta property=\"og:title\" content=\"Desk lamp\" />",
            "<meta property=\"og:description\" content=\"Long arm.\" />",
        ] {
            assert_eq!(page.matches(part).count(), 1, "{part} in {page}");
        }
        assert_eq!(page.matches("<title>").count(), 1);
        assert_eq!(page.matches("name=\"description\"").count(), 1);
        let (_, body) = PAGE.split_once("<link").unwrap();
        assert!(page.ends_with(body));
        let bare = head("Desk lamp", " ").write(PAGE).unwrap();
        assert!(bare.contains("name=\"description\" content=\"Desk lamp\""));
    }

    /// row: S-17
    #[test]
    fn no_product_can_write_markup() {
        let evil = [
            "</title><script>alert(1)</script>",
            "\" /><script src=//evil.test></script>",
            "' onload='alert(1)",
            "<meta name=\"description\" content=\"x\">",
            "<title>",
            "&lt;script&gt;",
            "-->\u{0}<!--",
        ];
        let innocent = head("x", "x").write(PAGE).unwrap();
        for text in evil {
            let page = head(text, text).write(PAGE).unwrap();
            for sign in ["<", ">", "\"", "'"] {
                let count = |page: &str| page.matches(sign).count();
                assert_eq!(count(&page), count(&innocent), "{sign} of {text}: {page}");
            }
            assert!(!page.contains('\u{0}'), "{text}");
        }
        let page = head("&lt;b&gt;", "x").write(PAGE).unwrap();
        assert!(page.contains("<title>&amp;lt;b&amp;gt; · Stoa</title>"));
    }

    #[test]
    fn a_page_without_a_head_is_left_alone() {
        assert_eq!(head("x", "x").write("<p>Hello</p>"), None);
    }

    #[test]
    fn a_summary_ends_between_words_and_within_its_bound() {
        assert_eq!(summary("short"), "short");
        let long = summary(&"ünder ".repeat(100));
        assert!(long.ends_with("ünder…") && long.chars().count() <= SUMMARY_MAX + 1);
        let word = summary(&"ü".repeat(1000));
        assert_eq!(word.chars().count(), SUMMARY_MAX + 1);
    }
}
