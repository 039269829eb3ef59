use call::Role;
use serde_json::json;
use testkit::both_engines;
use user::demo::{Person, seed};
use uuid::Uuid;

use crate::app::{TestApp, config};

const PEOPLE: [Person; 2] = [
    Person {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
        name: "Casey Customer",
        email: "customer@stoa.test",
        roles: &[Role::Customer],
    },
    Person {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002),
        name: "Alex Admin",
        email: "admin@stoa.test",
        roles: &[Role::Customer, Role::Admin],
    },
];

/// row: X2
#[both_engines]
async fn the_demos_people_sign_in_and_are_seeded_once(app: TestApp) {
    let plant = async |people: &[Person]| {
        seed(&app.db, &app.clock, &config().password, people, "stoa-demo")
            .await
            .unwrap();
    };
    plant(&PEOPLE[..1]).await; // killed midway
    let customer = app
        .try_sign_in("customer@stoa.test", "stoa-demo")
        .await
        .ok();
    let rename = json!({"id": customer["user"]["id"], "name": "Renamed"});
    let token = customer["tokens"]["accessToken"].as_str().unwrap();
    app.call("UserService/UpdateUser", token, rename).await.ok();
    for _ in 0..2 {
        plant(&PEOPLE).await;
    }
    let customer = app
        .try_sign_in("customer@stoa.test", "stoa-demo")
        .await
        .ok();
    assert_eq!(customer["user"]["id"], json!(PEOPLE[0].id));
    assert_eq!(customer["user"]["name"], "Renamed");
    let admin = app.try_sign_in("admin@stoa.test", "stoa-demo").await.ok();
    assert_eq!(admin["user"]["roles"], json!(["customer", "admin"]));
    assert_eq!(app.told().await.len(), 3);
}
