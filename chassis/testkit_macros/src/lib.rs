//! The attribute of a test that runs on both engines. A crate of its own, as every such macro has to
//! be; `testkit` hands it on.

use std::str::FromStr;

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Runs an async function as two tests, `sqlite` and `postgres` in a module of its name. Its one
/// parameter is anything that implements `testkit::Fixture`, made on the engine. What is said of the
/// runtime is as for `#[tokio::test]`.
///
/// ```ignore
/// #[both_engines]
/// async fn a_price_is_found(app: TestApp) { … }
/// ```
#[proc_macro_attribute]
pub fn both_engines(runtime: TokenStream, function: TokenStream) -> TokenStream {
    let Some(name) = name(function.clone()) else {
        let refusal =
            "compile_error!(\"#[both_engines] stands before an async fn with one parameter\");";
        return TokenStream::from_str(refusal).unwrap_or_default();
    };
    let mut tests = format!("mod {name} {{");
    for (test, engine) in [("sqlite", "Sqlite"), ("postgres", "Postgres")] {
        tests.push_str(&format!(
            "#[::tokio::test({runtime})] async fn {test}() {{ \
                 super::{name}(::testkit::on(::testkit::Engine::{engine}).await).await \
             }}"
        ));
    }
    tests.push('}');
    let tests = TokenStream::from_str(&tests).unwrap_or_default();
    function.into_iter().chain(tests).collect()
}

/// The function's name, if it is an async one with a parameter.
fn name(function: TokenStream) -> Option<String> {
    let mut tokens = function
        .into_iter()
        .skip_while(|token| token.to_string() != "async");
    tokens.next()?;
    let keyword = tokens.next()?;
    let (TokenTree::Ident(name), TokenTree::Group(parameters)) = (tokens.next()?, tokens.next()?)
    else {
        return None;
    };
    let has_one =
        parameters.delimiter() == Delimiter::Parenthesis && !parameters.stream().is_empty();
    (keyword.to_string() == "fn" && has_one).then(|| name.to_string())
}
