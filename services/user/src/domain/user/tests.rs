use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn line(text: &str) -> SingleLine {
    SingleLine::parse("text", text).unwrap()
}

fn ada() -> User {
    let id = UserId(uuid::Uuid::from_u128(1));
    User::new(
        id,
        line("Ada Lovelace"),
        Email::new("ada@example.test"),
        Roles::default(),
        at(0),
    )
}

/// row: D15
#[test]
fn the_first_name_is_the_first_word() {
    for (name, first) in [
        ("Ada Lovelace", "Ada"),
        ("  Grace  Hopper ", "Grace"),
        ("李小龍", "李小龍"),
        ("", ""),
    ] {
        let user = User {
            name: line(name),
            ..ada()
        };
        assert_eq!(user.first_name(), first, "{name:?}");
    }
}

/// row: D1
#[test]
fn everyone_is_a_customer_unless_said_otherwise() {
    assert_eq!(ada().roles, customer());
    assert!(!ada().is_staff());
}

/// row: P21
#[test]
fn an_absent_name_stays_and_an_empty_one_clears() {
    let mut user = ada();
    assert_eq!(user.change(&UserPatch::default(), at(1)), Effect::Unchanged);
    assert_eq!((&*user.name, user.version), ("Ada Lovelace", 1));
    let clear = UserPatch {
        name: Some(SingleLine::default()),
        ..UserPatch::default()
    };
    assert_eq!(user.change(&clear, at(2)), Effect::Changed);
    assert_eq!((&*user.name, user.version, user.updated_at), ("", 2, at(2)));
}

/// row: D4
#[test]
fn a_block_is_kept_once_and_lifted_once() {
    let mut user = ada();
    assert_eq!(user.block(&line("chargebacks"), at(1)), Effect::Changed);
    assert_eq!(user.block(&line("again"), at(2)), Effect::Unchanged);
    assert_eq!(
        user.block,
        Some(Block {
            at: at(1),
            reason: line("chargebacks")
        })
    );
    assert!(!user.can_place_orders());
    assert_eq!(user.unblock(at(3)), Effect::Changed);
    assert_eq!(user.unblock(at(4)), Effect::Unchanged);
    assert!(user.can_place_orders());
    assert_eq!(user.version, 3);
}

#[derive(Clone, Debug)]
enum Step {
    Name(String),
    Email(String),
    Roles(Vec<Role>),
    Block,
    Unblock,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        "[a-c]{0,2}".prop_map(Step::Name),
        "[a-c]@example\\.test".prop_map(Step::Email),
        prop::sample::subsequence(Role::ALL.to_vec(), 1..4).prop_map(Step::Roles),
        Just(Step::Block),
        Just(Step::Unblock),
    ]
}

proptest! {
    /// Whatever happens in whatever order, also with a clock that runs backwards: versions count
    /// the changes without a gap, and an account never looks older than it is.
    ///
    /// row: D1, I6
    #[test]
    fn every_change_is_one_version(steps in prop::collection::vec((step(), -5_i64..5), 0..40)) {
        let mut user = ada();
        for (step, seconds) in steps {
            let before = user.clone();
            let now = at(seconds);
            let outcome = match step {
                Step::Name(name) => {
                    user.change(&UserPatch { name: Some(line(&name)), ..UserPatch::default() }, now)
                }
                Step::Email(email) => {
                    let email = Some(Email::new(&email));
                    user.change(&UserPatch { email, ..UserPatch::default() }, now)
                }
                Step::Roles(roles) => {
                    let roles = Some(roles.into_iter().collect());
                    user.change(&UserPatch { roles, ..UserPatch::default() }, now)
                }
                Step::Block => user.block(&SingleLine::default(), now),
                Step::Unblock => user.unblock(now),
            };
            match outcome {
                Effect::Changed => prop_assert_eq!(user.version, before.version + 1),
                Effect::Unchanged => prop_assert_eq!(&user, &before),
            }
            prop_assert!(user.created_at <= user.updated_at);
            prop_assert!(before.updated_at <= user.updated_at);
        }
    }
}
