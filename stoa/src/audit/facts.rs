//! I6: the versions of an aggregate rise without gaps. Pruned outboxes may
//! begin later than 1.

use std::collections::BTreeMap;

use super::Finding;
use super::rows::Rows;

const CLAIM: &str = "versions seen per aggregate rise without gaps";

pub(super) fn check(rows: &Rows) -> Finding {
    let mut finding = Finding::new("I6", CLAIM);
    let mut versions: BTreeMap<(&str, &str, &str), Vec<i64>> = BTreeMap::new();
    for fact in &rows.facts {
        let aggregate = (fact.service, fact.aggregate.as_str(), fact.key.as_str());
        versions.entry(aggregate).or_default().push(fact.version);
    }
    for ((service, aggregate, key), mut seen) in versions {
        seen.sort_unstable();
        finding.check(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), || {
            format!("{service}: versions of {aggregate} {key} are {seen:?}")
        });
    }
    finding
}
