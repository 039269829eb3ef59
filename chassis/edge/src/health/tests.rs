use super::*;

const DATABASE: Name = ("order", "database");

/// What the components are after each of these checks: well, away, or late.
fn ready_after(found: &[Option<Wellness>]) -> Vec<bool> {
    let mut state = Snapshot {
        checked: true,
        ..Snapshot::default()
    };
    let mut ready = Vec::new();
    for found in found {
        state.components = state.judge(vec![(DATABASE, found.clone())]);
        ready.push(state.ready(None));
    }
    ready
}

/// row: O8
#[test]
fn one_late_answer_is_forgiven_to_who_was_well_and_to_nobody_else() {
    let (well, away, late) = (Some(Ok(None)), Some(Err("it is away".to_owned())), None);
    let once = [&well, &late, &well, &late, &well].map(Clone::clone);
    assert_eq!(ready_after(&once), [true; 5]);
    let twice = [&well, &late, &late, &late, &well].map(Clone::clone);
    assert_eq!(ready_after(&twice), [true, true, false, false, true]);
    let never_well = [&late, &late, &well].map(Clone::clone);
    assert_eq!(ready_after(&never_well), [false, false, true]);
    let gone = [&well, &away, &late, &well].map(Clone::clone);
    assert_eq!(ready_after(&gone), [true, false, false, true]);
}

/// Else it would be said anew after each late answer.
#[test]
fn what_was_noted_of_a_component_is_kept_while_it_is_late() {
    let mut state = Snapshot::default();
    for found in [Some(Ok(Some("newer".to_owned()))), None] {
        state.components = state.judge(vec![(DATABASE, found)]);
        let noted = state.components.get(&DATABASE);
        assert_eq!(noted, Some(&Ok(Some("newer".to_owned()))));
    }
}
