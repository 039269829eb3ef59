//! What a person's devices are called, so that they can tell one of their sessions from another.

use std::fmt;

/// The longest name that is kept, in characters.
const LENGTH_MAX: usize = 40;

/// What browsers call themselves, the more special first: each names those that it is like, too.
const BROWSERS: [(&str, &str); 7] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// And what they run on.
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// What a device says that it is, `Firefox on Linux`: a word for its owner and nothing to rely on.
/// Empty if it said nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// The name of a device that sends this `user-agent`. The rest of that header, by which a
    /// device could be recognised elsewhere, is not kept.
    pub fn of(user_agent: &str) -> Self {
        let find = |names: &[(&str, &'static str)]| {
            let found = names.iter().find(|(sign, _)| user_agent.contains(sign));
            found.map(|(_, name)| *name)
        };
        Self(match (find(&BROWSERS), find(&SYSTEMS)) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => user_agent
                .split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'))
                .next()
                .unwrap_or_default()
                .chars()
                .take(LENGTH_MAX)
                .collect(),
        })
    }

    /// Takes a name as it was stored.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// row: X23
    #[test]
    fn a_device_is_called_as_its_owner_would_call_it() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.14.1", "curl"),
            ("grpc-node-js/1.13", "grpc-node-js"),
            ("", ""),
            ("<script>", ""),
        ] {
            assert_eq!(DeviceName::of(user_agent).as_str(), name, "{user_agent}");
        }
        assert_eq!(DeviceName::of(&"x".repeat(9000)).as_str().len(), LENGTH_MAX);
    }
}
