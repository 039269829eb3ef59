//! Lets JSON `null` stand for an absent field, as the protobuf JSON mapping
//! says. pbjson refuses it for scalars, enums and lists; clients in other
//! languages send it.

/// The generated code with every field's deserializer taking null.
pub fn accept(code: &str) -> String {
    // pbjson breaks lines after `=` and leaves a blank there, which rustfmt trips over.
    let code: String = code
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect();
    let mut text = String::with_capacity(code.len());
    let mut rest = code.as_str();
    while let Some(at) = rest.find("Some(map_.next_value") {
        let (before, call) = rest.split_at(at);
        text.push_str(before);
        let inner = "Some(".len();
        let end = inner + closing(&call[inner..]);
        text.push_str(&optional(&call[inner..end]));
        rest = &call[end + 1..];
    }
    text.push_str(rest);
    text
}

/// The length of `code` up to the parenthesis that closes what is open before
/// it.
fn closing(code: &str) -> usize {
    let mut depth = 0_u32;
    for (at, character) in code.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => return at,
            ')' => depth -= 1,
            _ => {}
        }
    }
    panic!("pbjson wrote an expression that does not end: {code:.60}");
}

/// `map_.next_value::<T>()?rest` as an expression of an `Option`.
fn optional(call: &str) -> String {
    let call = call.trim();
    if call == "map_.next_value()?" {
        return "map_.next_value::<::std::option::Option<_>>()?".to_owned();
    }
    let (kind, rest) = call
        .strip_prefix("map_.next_value::<")
        .and_then(|call| call.split_once(">()?"))
        .unwrap_or_else(|| panic!("pbjson wrote an unknown expression: {call}"));
    format!("map_.next_value::<::std::option::Option<{kind}>>()?.map(|x| x{rest})")
}
