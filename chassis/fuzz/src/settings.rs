//! What an operator writes: rates, networks, origins, addresses. A mistake is an error, never an end of the program.

use std::time::Duration;

use edge::{Cors, Rate, RateLimit, TrustedProxies};
use endpoints::Source;

/// Each line is tried as each kind of setting.
pub(crate) fn check(bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        if let Ok(rate) = line.parse::<Rate>() {
            let day = Duration::from_secs(1)..=Duration::from_secs(86_400);
            assert!(day.contains(&rate.per), "{rate:?}");
            assert!(line.contains('/'), "{line:?}");
            let limit = line.parse::<RateLimit>();
            assert_eq!(limit.ok(), Some(RateLimit::All(rate)));
        }
        let _ = line.parse::<RateLimit>();
        if let Ok(source) = line.parse::<Source>() {
            let forms = ["http://", "static://", "dns://"];
            assert!(
                forms.iter().any(|form| line.starts_with(form)),
                "{source:?}"
            );
            assert!(!line.contains('@'), "{source:?} has a password");
        }
        if Cors::new([line]).is_ok() {
            assert!(!line.contains('*') && line != "null", "{line:?}");
        }
        let _ = TrustedProxies::new(&[line.to_owned()]);
    }
}
