//! `RequestPasswordReset` and `ResetPassword`, which are one way.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use call::Role;
use serde_json::json;
use tempfile::TempDir;
use testkit::app::eventually;
use testkit::{Engine, both_engines};

use crate::app::{Answer, PASSWORD, TestApp, config};

const NEW: &str = "another password";
const ADA: &str = "ada@example.test";
const LINK: &str = "https://shop.example/account/reset-password#";

/// The service with a mailbox, and whoever writes into it at work.
struct Post {
    app: TestApp,
    folder: TempDir,
}

impl Post {
    async fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config();
        config.mail_folder = Some(folder.path().join("mail"));
        config.shop_url = Some("https://shop.example".to_owned());
        let app = TestApp::on_with(engine, config).await;
        let clerk = (app.task("letters").start)(app.shutdown.clone());
        tokio::spawn(clerk);
        Self { app, folder }
    }

    fn letters(&self) -> BTreeSet<String> {
        letters(&self.folder.path().join("mail"))
    }

    async fn request(&self, email: &str) -> Answer {
        request(&self.app, "", &[], email).await
    }

    /// Asks for a letter and returns its token.
    async fn token(&self, email: &str) -> String {
        let before = self.letters();
        self.request(email).await.ok();
        let arrived = async || self.letters().difference(&before).next().cloned();
        let letter = eventually(arrived).await;
        let link = letter.split(LINK).nth(1).expect("there is a link");
        link.lines().next().unwrap_or_default().to_owned()
    }

    async fn reset(&self, token: &str, password: &str) -> Answer {
        let message = json!({"token": token, "password": password});
        self.app
            .call("AuthService/ResetPassword", "", message)
            .await
    }
}

async fn request(app: &TestApp, token: &str, headers: &[(&str, &str)], email: &str) -> Answer {
    let message = json!({"email": email});
    app.call_with("AuthService/RequestPasswordReset", token, headers, message)
        .await
}

fn letters(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let whole = paths.filter(|path| path.extension().is_some_and(|ending| ending == "eml"));
    whole
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// row: X23
#[both_engines]
async fn a_letter_brings_a_new_password_and_ends_all_sessions(engine: Engine) {
    let post = Post::on(engine).await;
    let app = &post.app;
    let ada = app.sign_up("Ada", "Ada@example.test").await;
    let token = post.token(ADA).await;
    let letter = post.letters().pop_first().unwrap();
    for line in ["To: <Ada@example.test>", "Subject: Choose a new password"] {
        assert!(letter.contains(&format!("\r\n{line}\r\n")), "{letter}");
    }
    let stored = app.rows("select token_hash from password_resets").await;
    let hash: Vec<u8> = stored[0].try_get("", "token_hash").unwrap();
    assert!(!hash.is_empty() && hash != token.as_bytes());

    let guessed = post.reset(&token, "Password123").await;
    assert_eq!(guessed.code(), "invalid_argument");
    assert!(guessed.names("password"));
    let device = post.reset(&token, NEW).await.ok()["deviceToken"].clone();
    let over = app.refresh(&ada.refresh_token).await;
    assert_eq!(over.code(), "unauthenticated");
    // Whoever had the access token of before does nothing more with it to the account.
    let rename = json!({"id": ada.id, "name": "Mallory"});
    let over = app.call("UserService/UpdateUser", &ada.access_token, rename);
    assert!(over.await.has_reason("SESSION_OVER"));
    let old = app.try_sign_in(ADA, PASSWORD).await;
    assert_eq!(old.code(), "unauthenticated");
    app.try_sign_in(ADA, NEW).await.ok();
    bad(&post, &token).await;

    // Whoever read the letter is known from then on, however many others guess.
    while app.try_sign_in(ADA, PASSWORD).await.code() == "unauthenticated" {}
    let message = json!({"email": ADA, "password": NEW, "deviceToken": device});
    app.call("AuthService/SignIn", "", message).await.ok();
}

async fn bad(post: &Post, token: &str) {
    let refused = post.reset(token, NEW).await;
    assert_eq!(refused.code(), "invalid_argument");
    assert!(refused.has_reason("BAD_RESET_TOKEN") && refused.names("token"));
}

/// row: X23
#[both_engines]
async fn a_token_is_good_for_a_while_and_only_the_newest(engine: Engine) {
    let post = Post::on(engine).await;
    let app = &post.app;
    let ada = app.sign_up("Ada", ADA).await;
    let first = post.token(ADA).await;
    app.pass(901);
    let second = post.token(ADA).await;
    for token in [&first, "x", &"A".repeat(43)] {
        bad(&post, token).await;
    }
    app.pass(30 * 60);
    bad(&post, &second).await;
    // A change of address, or of the password, takes back what was sent.
    let third = post.token(ADA).await;
    let moved = json!({"id": ada.id, "email": "lovelace@example.test"});
    let moved = app.call("UserService/UpdateUser", &ada.access_token, moved);
    let access = moved.await;
    assert_eq!(access.code(), "unauthenticated", "it was half an hour");
    let ada = app.sign_in(ADA).await;
    let moved = json!({
        "id": ada.id, "email": "lovelace@example.test", "currentPassword": PASSWORD,
    });
    app.call("UserService/UpdateUser", &ada.access_token, moved)
        .await
        .ok();
    bad(&post, &third).await;
    app.pass(901);
    let fourth = post.token("lovelace@example.test").await;
    let ada = app.sign_in("lovelace@example.test").await;
    let change = json!({"currentPassword": PASSWORD, "password": NEW});
    app.call("AuthService/ChangePassword", &ada.access_token, change)
        .await
        .ok();
    bad(&post, &fourth).await;
}

/// row: X23, S-08
#[both_engines]
async fn nobody_learns_who_has_an_account_nor_fills_a_mailbox(engine: Engine) {
    let post = Post::on(engine).await;
    let app = &post.app;
    app.sign_up("Ada", ADA).await;
    let blocked = app.sign_up("Eve", "eve@example.test").await;
    let admin = app.admin().await.access_token;
    let block = json!({"id": blocked.id});
    app.call("UserAdminService/BlockUser", &admin, block)
        .await
        .ok();
    let without = json!({"email": "without@example.test"});
    app.call("UserService/CreateUser", &admin, without)
        .await
        .ok();
    let known = post.request(ADA).await;
    eventually(async || (post.letters().len() == 1).then_some(())).await;
    for email in [
        "nobody@example.test",
        "not an address",
        "eve@example.test",
        ADA,
        ADA,
    ] {
        let answer = post.request(email).await;
        let same = (answer.status, &answer.bytes) == (known.status, &known.bytes);
        assert!(same, "{email}");
    }
    // They are written in order: with this one all that were asked for before are.
    let token = post.token("without@example.test").await;
    let to = |letter: &String| letter.contains("To: <ada@example.test>");
    assert_eq!(post.letters().len(), 2);
    assert_eq!(post.letters().iter().filter(|letter| to(letter)).count(), 1);
    post.reset(&token, NEW).await.ok();
    app.try_sign_in("without@example.test", NEW).await.ok();
}

/// row: X18
#[both_engines]
async fn test_traffic_sends_no_mail(engine: Engine) {
    let post = Post::on(engine).await;
    let app = &post.app;
    app.sign_up("Ada", ADA).await;
    let support = app.staff("support@example.test", &[Role::Support]).await;
    let marked = [("baggage", "synthetic=true")];
    let asked = request(app, &support.access_token, &marked, ADA).await;
    asked.ok();
    post.token("support@example.test").await;
    assert_eq!(post.letters().len(), 1);
}

/// row: X23
#[both_engines]
async fn where_no_letter_can_be_sent_everybody_is_told_so(app: TestApp) {
    app.sign_up("Ada", ADA).await;
    for email in [ADA, "nobody@example.test"] {
        let answer = request(&app, "", &[], email).await;
        assert_eq!(answer.code(), "failed_precondition");
        assert!(answer.has_reason("NO_LETTERS"));
    }
}

/// A letter that could not be written leaves nobody waiting for it: who asks again gets another.
///
/// row: X23
#[both_engines]
async fn a_letter_that_was_not_written_keeps_nobody_from_the_next(engine: Engine) {
    let post = Post::on(engine).await;
    post.app.sign_up("Ada", ADA).await;
    let folder = post.folder.path().join("mail");
    std::fs::write(&folder, "no folder").unwrap();
    post.request(ADA).await.ok();
    tokio::time::sleep(Duration::from_millis(200)).await; // nothing tells that it was tried
    std::fs::remove_file(&folder).unwrap();
    eventually(async || {
        post.request(ADA).await.ok();
        (post.letters().len() == 1).then_some(())
    })
    .await;
}
