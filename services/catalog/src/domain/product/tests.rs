use chrono::TimeDelta;

use super::*;

fn lamp(now: DateTime<Utc>) -> Product {
    let draft = NewProduct {
        sku: Sku::new("LMP-1"),
        name: "Noon desk lamp".to_owned(),
        description: "A balanced arm.".to_owned(),
        category: "Lighting".to_owned(),
        image_url: String::new(),
    };
    Product::new(ProductId(Uuid::nil()), draft, now)
}

/// row: D16, I6
#[test]
fn a_revision_that_changes_something_is_one_version() {
    let (then, now) = (
        DateTime::UNIX_EPOCH,
        DateTime::UNIX_EPOCH + TimeDelta::hours(1),
    );
    let mut product = lamp(then);
    let revision = Revision {
        name: Some("Lamp".to_owned()),
        description: Some(String::new()),
        ..Revision::default()
    };
    assert!(product.revise(revision.clone(), now));
    assert_eq!(
        (product.name.as_str(), product.description.as_str()),
        ("Lamp", "")
    );
    assert_eq!(
        (product.version, product.created_at, product.updated_at),
        (2, then, now)
    );

    let unchanged = product.clone();
    for nothing in [revision, Revision::default()] {
        assert!(!product.revise(nothing, now + TimeDelta::hours(1)));
        assert_eq!(product, unchanged);
    }
}
