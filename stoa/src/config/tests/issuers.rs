//! The list of issuers that are trusted beside the user service.

use token::{Issuer, SigningAlgorithm};

use super::*;

const FILE: &str = r#"
[[identity.issuers]]
issuer = "https://id.example.com/realms/shop"
jwks = "https://id.example.com/realms/shop/protocol/openid-connect/certs"
audience = "stoa-shop"

[[identity.issuers]]
issuer = "https://tenant.example/"
jwks = "http://127.0.0.1:5999/keys?tenant=1"
audience = "shop"
algorithms = ["RS256", "ES256"]
subject_claim = "https://shop.example/user"
"#;

/// row: X20, G4
#[test]
fn a_list_of_issuers_is_read_and_variables_add_to_it() {
    assert!(load(&[], &[]).expect("none is needed").issuers.is_empty());
    let read = load_file(Some(FILE), &[], &[]).expect("it is valid");
    let [first, second] = &read.issuers[..] else {
        panic!("{:?}", read.issuers);
    };
    let usual = Issuer {
        name: "https://id.example.com/realms/shop".to_owned(),
        audience: "stoa-shop".to_owned(),
        algorithms: vec![SigningAlgorithm::EdDsa],
        subject_claim: "sub".to_owned(),
    };
    assert_eq!(first.rules, usual);
    let said = Issuer {
        name: "https://tenant.example/".to_owned(),
        audience: "shop".to_owned(),
        algorithms: vec![SigningAlgorithm::Rs256, SigningAlgorithm::Es256],
        subject_claim: "https://shop.example/user".to_owned(),
    };
    assert_eq!(second.rules, said);
    assert_eq!(second.jwks, "http://127.0.0.1:5999/keys?tenant=1");
    let more = [
        ("STOA_IDENTITY__ISSUERS__0__AUDIENCE", "another"),
        ("STOA_IDENTITY__ISSUERS__0__ALGORITHMS", "ES256, EdDSA"),
        ("STOA_IDENTITY__ISSUERS__2__ISSUER", "third"),
        ("STOA_IDENTITY__ISSUERS__2__JWKS", "https://third.example"),
        ("STOA_IDENTITY__ISSUERS__2__AUDIENCE", "shop"),
    ];
    let read = load_file(Some(FILE), &more, &[]).expect("it is valid");
    let names: Vec<&str> = read.issuers.iter().map(|one| &*one.rules.name).collect();
    assert_eq!(names, [&*usual.name, &*said.name, "third"]);
    assert_eq!(read.issuers[0].rules.audience, "another");
    let two = [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa];
    assert_eq!(read.issuers[0].rules.algorithms, two);
}

/// row: X20, G4
#[test]
fn a_wrong_list_of_issuers_is_refused_by_the_name_of_its_key() {
    let key = |name: &str| format!("STOA_IDENTITY__ISSUERS__1__{name}");
    for (name, value, named) in [
        ("ISSUER", "https://id.example.com/realms/shop", "1.issuer"), // the first's
        ("ISSUER", "stoa", "1.issuer"),
        ("ISSUER", "service:order", "1.issuer"),
        ("ISSUER", "", "1.issuer"),
        ("JWKS", "", "1.jwks"),
        ("JWKS", "keys", "1.jwks"),
        ("JWKS", "/keys", "1.jwks"),
        ("JWKS", "file:///keys", "1.jwks"),
        ("JWKS", "ftp://tenant.example/keys", "1.jwks"),
        ("JWKS", "https://", "1.jwks"),
        ("JWKS", "https://me:secret@tenant.example/keys", "1.jwks"),
        ("JWKS", "https://tenant.example/keys#one", "1.jwks"),
        ("AUDIENCE", "", "1.audience"),
        ("ALGORITHMS", "", "1.algorithms"),
        ("ALGORITHMS", "none", "1.algorithms"),
        ("ALGORITHMS", "ES256,HS256", "1.algorithms"),
        ("ALGORITHMS", "eddsa", "1.algorithms"),
        ("SUBJECT_CLAIM", "", "1.subject_claim"),
        ("CA", "/ca.pem", "1.ca"), // of an address that is not https
        ("JKWS", "https://tenant.example/keys", "1"),
    ] {
        let refused = load_file(Some(FILE), &[(&*key(name), value)], &[]);
        let refused = refused.expect_err(name).to_string();
        let named = format!("configuration: identity.issuers.{named}");
        assert!(refused.starts_with(&named), "{name} = {value}: {refused}");
        assert!(!refused.contains("secret"), "{refused}");
    }
    for (file, named) in [
        ("[identity]\nissuer = 1", "identity.issuer"),
        ("identity = 1", "identity"),
        ("[identity]\nissuers = 1", "identity.issuers"),
        ("[[identity.issuers]]", "identity.issuers.0.issuer"),
        (
            "[[identity.issuers]]\nissuer = \"a\"",
            "identity.issuers.0.jwks",
        ),
        (
            "[[identity.issuers]]\nissuer = \"a\"\njwks = \"https://a\"",
            "identity.issuers.0.audience",
        ),
    ] {
        let refused = load_file(Some(file), &[], &[]).expect_err(file).to_string();
        let named = format!("configuration: {named} ");
        assert!(refused.starts_with(&named), "{file}: {refused}");
    }
    let many: String = (0..33)
        .map(|n| {
            format!(
                "[[identity.issuers]]\nissuer = \"{n}\"\njwks = \"https://a\"\naudience = \"a\"\n"
            )
        })
        .collect();
    let refused = load_file(Some(&many), &[], &[]).expect_err("too many");
    assert!(
        refused.to_string().contains("identity.issuers "),
        "{refused}"
    );
    let place = ("STOA_IDENTITY__ISSUERS__FIRST__ISSUER", "a");
    let refused = load(&[place], &[]).expect_err("it is no place");
    assert!(
        refused.to_string().contains("identity.issuers.first "),
        "{refused}"
    );
}

/// row: X20, G4
#[test]
fn production_wants_the_keys_of_an_issuer_by_https() {
    let production = [
        ("STOA_PROFILE", "production"),
        ("STOA_PAGE_KEY_FILE", "page.key"),
    ];
    let refused = load_file(Some(FILE), &production, &[]).expect_err("the second is http");
    let refused = refused.to_string();
    assert!(
        refused.contains("identity.issuers.1.jwks is not https"),
        "{refused}"
    );
    let https = (
        "STOA_IDENTITY__ISSUERS__1__JWKS",
        "https://tenant.example/keys",
    );
    load_file(Some(FILE), &[&production[..], &[https]].concat(), &[]).expect("it is valid");
}
