//! The service under test behind its edge, and the people who call it.

use std::ops::Deref;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use call::Role;
use clock::{Clock, Manual};
use http::{HeaderMap, Method, Request, StatusCode};
use proto::user::v1::user_service_client::UserServiceClient;
use serde_json::{Value, json};
use slice::Deps;
use testkit::app::{self, InProcess};
use testkit::{App, Engine, Fixture, database};
use token::{Keys, ServiceClaims, SigningKey, Verifier};
use tokio_util::sync::CancellationToken;
use user::{AccountSpec, Config, Keyring, PasswordConfig};

pub const PASSWORD: &str = "correct horse battery";

pub use testkit::app::start;

pub type Client = UserServiceClient<InProcess>;

/// The user service, its keys, and what is asked of it.
pub struct TestApp {
    own: App,
    pub keyring: Keyring,
    order: SigningKey,
}

impl Deref for TestApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.own
    }
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub access_token: String,
    pub refresh_token: String,
}

/// Costs next to nothing.
pub fn config() -> Config {
    let password = PasswordConfig {
        memory_kib: 8,
        passes: 1,
        ..PasswordConfig::default()
    };
    Config {
        password,
        ..Config::default()
    }
}

impl Fixture for TestApp {
    async fn on(engine: Engine) -> Self {
        Self::on_with(engine, config()).await
    }
}

impl TestApp {
    /// The same service, set up otherwise.
    pub async fn on_with(engine: Engine, config: Config) -> Self {
        let migrate = async |db: &sql::Database| migrations::up(db, user::NAME).await;
        let db = database::on(engine, user::NAME, migrate).await;
        let (clock, time) = Manual::new(start());
        let order = SigningKey::generate("order").expect("a key");
        let (app, keyring, shutdown, tasks) = serve(&db, &clock, &config, &order);
        let own = App {
            db,
            clock,
            time,
            app,
            shutdown,
            tasks: Mutex::new(tasks),
        };
        Self {
            own,
            keyring,
            order,
        }
    }

    /// The service over a database that may not be there.
    pub async fn over(db: sql::Database, config: &Config) -> edge::App {
        let (clock, _time) = Manual::new(start());
        let order = SigningKey::generate("order").expect("a key");
        serve(&db, &clock, config, &order).0
    }

    /// Another process over the same database.
    pub async fn replica(&self) -> edge::App {
        let db = self.db.open().await;
        serve(&db, &self.clock, &config(), &self.order).0
    }

    /// Calls an rpc by Connect with JSON, under a token unless that is empty.
    pub async fn call(&self, rpc: &str, token: &str, message: Value) -> Answer {
        call(&self.app, rpc, token, &[], message).await
    }

    /// The same, with more headers.
    pub async fn call_with(
        &self,
        rpc: &str,
        token: &str,
        headers: &[(&str, &str)],
        message: Value,
    ) -> Answer {
        call(&self.app, rpc, token, headers, message).await
    }

    /// Signs somebody up and in.
    pub async fn sign_up(&self, name: &str, email: &str) -> Person {
        let message = json!({"name": name, "email": email, "password": PASSWORD});
        person(&self.call("AuthService/SignUp", "", message).await.ok())
    }

    /// Makes an account with roles and signs it in.
    pub async fn staff(&self, email: &str, roles: &[Role]) -> Person {
        let account = AccountSpec {
            name: "",
            email,
            roles,
            password: PASSWORD,
        };
        let made = user::create_account(&self.db, &self.clock, &config().password, &account).await;
        made.expect("an account is made");
        self.sign_in(email).await
    }

    /// Makes an admin and signs them in.
    pub async fn admin(&self) -> Person {
        self.staff("admin@example.test", &[Role::Admin]).await
    }

    /// Signs somebody in.
    pub async fn sign_in(&self, email: &str) -> Person {
        person(&self.try_sign_in(email, PASSWORD).await.ok())
    }

    /// Tries to sign somebody in.
    pub async fn try_sign_in(&self, email: &str, password: &str) -> Answer {
        self.call(
            "AuthService/SignIn",
            "",
            json!({"email": email, "password": password}),
        )
        .await
    }

    /// Exchanges a refresh token.
    pub async fn refresh(&self, refresh_token: &str) -> Answer {
        self.call(
            "AuthService/Refresh",
            "",
            json!({"refreshToken": refresh_token}),
        )
        .await
    }

    /// The token of the order service.
    pub fn order_token(&self) -> String {
        let claims = ServiceClaims::new("order", "user", None, self.clock.now());
        self.order.sign_service(&claims).expect("a token")
    }

    /// A gRPC client within the process.
    pub fn client(&self) -> Client {
        client(&self.app)
    }

    /// Every fact that this service told, in order, as topic, key and version.
    pub async fn told(&self) -> Vec<(String, String, i64)> {
        let told = self.outbox().await.into_iter();
        told.map(|fact| (fact.topic, fact.key, fact.version))
            .collect()
    }
}

fn serve(
    db: &sql::Database,
    clock: &Clock,
    config: &Config,
    order: &SigningKey,
) -> (
    edge::App,
    Keyring,
    CancellationToken,
    Vec<edge::BackgroundTask>,
) {
    let shutdown = CancellationToken::new();
    let keyring = Keyring::new(db.clone(), clock.clone(), config);
    let deps = Deps {
        shutdown: shutdown.clone(),
        ..testkit::deps(db, clock)
    };
    let service = user::signing(config.clone(), deps, keyring.clone());
    let mut service = service.expect("the service starts");
    let tasks = service.take_tasks();
    let (people, services) = (
        Keys::fetched(keyring.source()),
        Keys::fixed([order.public()]),
    );
    let app = app::edge(clock)
        .verifier(Verifier::new(
            clock.clone(),
            people,
            services,
            Some(user::NAME),
        ))
        .service(service)
        .build()
        .expect("the edge finds nothing missing");
    (app, keyring, shutdown, tasks)
}

/// Whether an app says within five seconds that it is ready.
pub async fn is_ready(app: &edge::App) -> bool {
    let ready = async {
        loop {
            let request = Request::get("/readyz").body(Body::empty());
            if app.handle(request.expect("a request")).await.status() == StatusCode::OK {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ready)
        .await
        .is_ok()
}

/// A gRPC client of an app in this process.
pub fn client(app: &edge::App) -> Client {
    UserServiceClient::new(app::channel(app))
}

/// A gRPC request under a token.
pub fn grpc<T>(token: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let token = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", token);
    request
}

/// Calls an rpc of this context by Connect with JSON.
pub async fn call(
    app: &edge::App,
    rpc: &str,
    token: &str,
    headers: &[(&str, &str)],
    message: Value,
) -> Answer {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("/stoa.user.v1.{rpc}"))
        .header("content-type", "application/json")
        .header("connect-protocol-version", "1");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request
        .body(Body::from(message.to_string()))
        .expect("a request");
    Answer::of(app.handle(request).await).await
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub async fn of(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.expect("a body").to_vec();
        Self {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    /// The message of an answer that must be good.
    #[track_caller]
    pub fn ok(&self) -> Value {
        let body = self.json();
        assert_eq!(self.status, StatusCode::OK, "{body}");
        body
    }

    /// The code of an answer that must be an error.
    #[track_caller]
    pub fn code(&self) -> String {
        let body = self.json();
        assert_ne!(self.status, StatusCode::OK, "{body}");
        body["code"]
            .as_str()
            .expect("an error has a code")
            .to_owned()
    }

    /// Whether the error carries this reason of ours.
    pub fn has_reason(&self, reason: &str) -> bool {
        let body = self.json();
        let details = body["details"].as_array().cloned().unwrap_or_default();
        details.iter().any(|detail| {
            let value = STANDARD_NO_PAD.decode(detail["value"].as_str().unwrap_or_default());
            let value = String::from_utf8_lossy(&value.unwrap_or_default()).into_owned();
            detail["type"] == "google.rpc.ErrorInfo"
                && value.contains(reason)
                && value.contains("stoa.user")
        })
    }

    /// Whether the error has a violation of this field.
    pub fn names(&self, field: &str) -> bool {
        let body = self.json();
        let details = body["details"].as_array().cloned().unwrap_or_default();
        details.iter().any(|detail| {
            let value = STANDARD_NO_PAD.decode(detail["value"].as_str().unwrap_or_default());
            let value = value.unwrap_or_default();
            // The name as it stands in the message: its length before it.
            let name = [&[field.len() as u8], field.as_bytes()].concat();
            let found = value.windows(name.len()).any(|window| window == name);
            detail["type"] == "buf.validate.Violations" && found
        })
    }

    /// A header's only value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header is text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("the body is JSON")
    }
}

pub fn person(body: &Value) -> Person {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Person {
        id: text(&body["user"]["id"]),
        access_token: text(&body["tokens"]["accessToken"]),
        refresh_token: text(&body["tokens"]["refreshToken"]),
    }
}
