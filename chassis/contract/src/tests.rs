use super::*;
use call::User;
use uuid::Uuid;

fn user(roles: &[Role]) -> Caller {
    Caller::User(User {
        id: Uuid::from_u128(7),
        roles: roles.iter().copied().collect(),
        session: None,
    })
}

fn service(name: &str) -> Caller {
    Caller::Service {
        name: name.into(),
        acting_for: None,
    }
}

fn rule(audience: Audience) -> Access {
    Access {
        audience,
        roles: [Role::Support].into_iter().collect(),
        services: HashSet::from(["order".to_owned()]),
    }
}

/// row: S-01, S-05
#[test]
fn what_a_rule_does_not_name_is_refused() {
    let own = Ok(Scope::Own(Uuid::from_u128(7)));
    let all = Ok(Scope::Everyone);
    let no = Err(Denial::PermissionDenied);
    let who = Err(Denial::Unauthenticated);
    let customer = user(&[Role::Customer]);
    let support = user(&[Role::Customer, Role::Support]);
    for (audience, expected) in [
        (Audience::Public, [all, own, own, all, all]),
        (Audience::User, [who, own, all, all, no]),
        (Audience::Roles, [who, no, all, all, no]),
        (Audience::Internal, [who, no, no, all, no]),
    ] {
        let rule = rule(audience);
        let callers = [
            &Caller::Anonymous,
            &customer,
            &support,
            &service("order"),
            &service("catalog"),
        ];
        assert_eq!(
            callers.map(|caller| rule.admit(caller)),
            expected,
            "{audience:?}"
        );
    }
}

/// row: G1
#[test]
fn a_package_names_its_context() {
    for (service, named) in [
        ("stoa.order.v1.OrderService", "order"),
        ("stoa.bff.web.v1.WebService", "gateway"),
        ("grpc.health.v1.Health", "edge"),
    ] {
        assert_eq!(context(service), named);
    }
}
