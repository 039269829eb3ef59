//! I6: the facts about a thing are as many as it had changes.
//!
//! Facts are deleted when they are old, the oldest first, and a thing outlives its facts. So the
//! first ones may be missing, or all, where they can be so old that they were deleted; the last one
//! is never missing while an older one is there. What cannot be told is whether a thing that is older
//! than that has lost the oldest of the facts that should be left.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use super::rows::{Fact, Rows, Thing};

const CLAIM: &str = "versions of an aggregate's facts rise without gaps up to its own";
/// For so long every fact is kept.
const KEPT: TimeDelta = TimeDelta::days(8);
/// By how much a thing's time may lie behind that of its last fact: clocks differ, and pieces that
/// were held are sold later, which is no news to buyers.
const LATER_MAX: TimeDelta = TimeDelta::hours(2);

/// Service, kind and key.
type Name<'a> = (&'a str, &'a str, &'a str);

pub(super) fn check(rows: &Rows) -> Finding {
    let mut finding = Finding::new("I6", CLAIM);
    let mut facts: BTreeMap<Name<'_>, Vec<&Fact>> = BTreeMap::new();
    for fact in &rows.facts {
        let name = (fact.service, fact.aggregate.as_str(), fact.key.as_str());
        facts.entry(name).or_default().push(fact);
    }
    let mut things: BTreeMap<Name<'_>, &Thing> = BTreeMap::new();
    for thing in &rows.things {
        things.insert((thing.service, thing.aggregate, &thing.key), thing);
    }
    let names: BTreeSet<_> = facts.keys().chain(things.keys()).copied().collect();
    for name in names {
        let mut told = facts.remove(&name).unwrap_or_default();
        told.sort_unstable_by_key(|fact| fact.version);
        let breach = breach(&told, things.get(&name).copied(), |at| {
            rows.pruned.contains(name.0) && at.is_none_or(|at| is_old(at, rows.read_at))
        });
        finding.check(breach.is_none(), || {
            let (service, aggregate, key) = name;
            format!(
                "{service}: {aggregate} {key} {}",
                breach.unwrap_or_default()
            )
        });
    }
    finding
}

fn is_old(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at <= now - KEPT + LATER_MAX
}

/// What is wrong with the facts about a thing, in order; `was_pruned` tells whether a fact of then, or of
/// a time that nobody knows, may have been deleted.
fn breach(
    told: &[&Fact],
    thing: Option<&Thing>,
    was_pruned: impl Fn(Option<DateTime<Utc>>) -> bool,
) -> Option<String> {
    let (Some(first), Some(last)) = (told.first(), told.last()) else {
        let thing = thing.filter(|thing| thing.version > 0)?;
        let missing = !was_pruned(Some(thing.updated_at));
        return missing.then(|| format!("is at version {} and has no fact", thing.version));
    };
    if told
        .windows(2)
        .any(|pair| pair[1].version != pair[0].version + 1)
    {
        let versions: Vec<_> = told.iter().map(|fact| fact.version).collect();
        return Some(format!("has facts {versions:?}"));
    }
    if first.version != 1 && !was_pruned(thing.and_then(|thing| thing.created_at)) {
        return Some(format!("has facts from {} on", first.version));
    }
    match thing {
        Some(thing) if thing.version != last.version => Some(format!(
            "is at version {}, and its last fact is {}",
            thing.version, last.version
        )),
        None if !last.is_farewell => Some(format!(
            "is gone, and its last fact, {}, does not say so",
            last.version
        )),
        _ => None,
    }
}
