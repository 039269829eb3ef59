//! A running Stoa, and a customer in it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::process::Process;

use crate::leaks;

/// The binary under test.
pub fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_stoa"))
}

/// How long a debug build on a busy machine may take to be ready.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long it may take to stop: its work, and those who hang up late.
pub const STOPS_WITHIN: Duration = Duration::from_secs(25);

/// What takes longer than this to answer never does: longer than any deadline there is.
const ANSWER_MAX: Duration = Duration::from_secs(90);

/// `stoa up` on a data folder of its own, on ports that the system chose.
pub struct Shop {
    pub process: Process,
    pub data: PathBuf,
    pub door: Door,
    pub admin: String,
    program: PathBuf,
    variables: Vec<(String, String)>,
    folder: TempDir,
}

impl Shop {
    pub async fn up() -> Self {
        Self::up_with(&[]).await
    }

    /// An empty shop, with nobody in it.
    pub async fn up_without_demo() -> Self {
        Self::launch(binary(), &[], &["--no-demo"]).await
    }

    /// Starts with these variables, now and at each start after a kill.
    pub async fn up_with(variables: &[(&str, String)]) -> Self {
        Self::launch(binary(), variables, &[]).await
    }

    /// Starts another program than the binary under test.
    pub async fn up_of(program: &Path) -> Self {
        Self::launch(program, &[], &[]).await
    }

    async fn launch(program: &Path, variables: &[(&str, String)], more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let data = folder.path().join("data");
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let mut process = start(program, &data, folder.path(), &variables, [0; 2], more);
        let (shop, admin) = addresses(&mut process, 0).await;
        Self {
            process,
            data,
            door: Door::new(shop),
            admin,
            program: program.to_owned(),
            variables,
            folder,
        }
    }

    /// Starts again on the same folder and ports, after the process ended.
    pub async fn restart(&mut self) {
        let seen = self.process.output().len();
        let ports = [&self.door.origin, &self.admin].map(|origin| {
            let port = origin.rsplit(':').next().expect("an origin has a port");
            port.parse().expect("a port is a number")
        });
        let folder = self.folder.path();
        self.process = start(
            &self.program,
            &self.data,
            folder,
            &self.variables,
            ports,
            &[],
        );
        (_, self.admin) = addresses(&mut self.process, seen).await;
        self.door = Door::new(self.door.origin.clone());
    }

    /// Stops it; all that it ever printed.
    pub async fn log(&mut self) -> String {
        let log = self.process.last_words(STOPS_WITHIN).await;
        log.expect("the shop closes")
    }

    /// Runs `stoa` at this shop's admin listener; the exit code and what it printed.
    pub async fn ask_admin(&self, arguments: &[&str]) -> (i32, String) {
        let port = self.admin.rsplit(':').next().expect("a port");
        stoa(&[arguments, &["--admin-port", port]].concat(), &[]).await
    }

    /// Runs `stoa` on this shop's databases; the exit code and what it printed.
    pub async fn stoa(&self, arguments: &[&str]) -> (i32, String) {
        let data = self.data.display().to_string();
        let all: Vec<&str> = ["--data", &data].iter().chain(arguments).copied().collect();
        let variables: Vec<(&str, &str)> = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        stoa(&all, &variables).await
    }
}

fn start(
    program: &Path,
    data: &Path,
    folder: &Path,
    variables: &[(String, String)],
    ports: [u16; 2],
    more: &[&str],
) -> Process {
    let (data, [port, admin]) = (
        data.display().to_string(),
        ports.map(|port| port.to_string()),
    );
    let fixed = [
        "up",
        "--data",
        &data,
        "--port",
        &port,
        "--admin-port",
        &admin,
    ];
    let arguments = fixed.iter().chain(more);
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Process::start(program, arguments, &variables, &folder.join("output"))
        .expect("stoa is a program")
}

/// What the welcome says, in what was printed after `seen`.
async fn addresses(process: &mut Process, seen: usize) -> (String, String) {
    let find = |output: &str| {
        let new = output.get(seen..)?;
        let shop = new
            .split("Stoa is ready at ")
            .nth(1)?
            .split_whitespace()
            .next()?
            .to_owned();
        let admin = new
            .split("Metrics, readiness, build: ")
            .nth(1)?
            .split("/metrics")
            .next()?;
        Some((shop, admin.to_owned()))
    };
    process
        .wait_for(READY_MAX, find)
        .await
        .expect("the shop opens")
}

/// Runs the binary to its end: exit code, and both streams.
pub async fn stoa(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let output = folder.path().join("output");
    let mut process =
        Process::start(binary(), arguments, variables, &output).expect("stoa is a program");
    let status = process.wait(READY_MAX).await.expect("the command ends");
    (status.code().expect("it was not killed"), process.output())
}

/// One way in: an address, and maybe a token.
#[derive(Clone)]
pub struct Door {
    pub origin: String,
    pub token: Option<String>,
    /// How long an answer is waited for, as the one who is asked is told; without it as long as he likes.
    pub within: Option<Duration>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer of Connect JSON.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The error's code, or `ok`.
    pub fn code(&self) -> String {
        match self.status {
            StatusCode::OK => "ok".to_owned(),
            _ => self.json()["code"].as_str().unwrap_or("unknown").to_owned(),
        }
    }
}

impl Door {
    pub fn new(origin: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            origin,
            token: None,
            within: None,
            client,
        }
    }

    /// The same way in, for somebody at another address of this machine.
    pub fn used_from(&self, address: Ipv4Addr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_local_address(Some(address.into()));
        Self {
            origin: self.origin.replace("localhost", "127.0.0.1"),
            token: self.token.clone(),
            within: self.within,
            client: Client::builder(TokioExecutor::new()).build(connector),
        }
    }

    /// Calls an rpc; an error means that no whole answer came.
    pub async fn try_call(
        &self,
        rpc: &str,
        message: &Value,
        key: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let body = Bytes::from(message.to_string());
        self.send(rpc, "application/json", body, key).await
    }

    /// Sends any bytes as any content.
    pub async fn send(
        &self,
        rpc: &str,
        content_type: &str,
        body: Bytes,
        key: Option<&str>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::post(format!("{}/stoa.{rpc}", self.origin))
            .header("content-type", content_type);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(within) = self.within {
            let left = within.as_millis().to_string();
            request = request.header("connect-timeout-ms", left);
        }
        self.answer(request.body(Full::from(body))?).await
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let asked = request.uri().clone();
        let answering = async {
            let (parts, body) = self.client.request(request).await?.into_parts();
            let bytes = body.collect().await?.to_bytes();
            anyhow::Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                bytes,
            })
        };
        let answer = tokio::time::timeout(ANSWER_MAX, answering).await;
        let answer = answer.with_context(|| format!("{asked} never answers"))??;
        if !answer.status.is_success() && answer.json()["code"].is_string() {
            // Whatever a test is about: no error says what only our insides know.
            leaks::search("an error", &String::from_utf8_lossy(&answer.bytes), &[]);
        }
        Ok(answer)
    }

    /// Calls a server stream that ends by itself; the answer's bytes are all its frames.
    pub async fn stream(&self, rpc: &str, message: &Value) -> Answer {
        let message = message.to_string();
        let length = u32::try_from(message.len()).expect("it is short");
        let mut body = vec![0];
        body.extend(length.to_be_bytes());
        body.extend(message.into_bytes());
        let sent = self.send(rpc, "application/connect+json", body.into(), None);
        sent.await.expect("an answer comes")
    }

    pub async fn call(&self, rpc: &str, message: Value) -> Answer {
        self.try_call(rpc, &message, None)
            .await
            .expect("an answer comes")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.fetch(Method::GET, path, &[]).await
    }

    /// Asks for a page or a file.
    pub async fn fetch(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::default()).expect("path is valid");
        self.answer(request).await.expect("an answer comes")
    }

    /// Signs in and returns a customer with a door of their own.
    pub async fn sign_in(&self, email: &str, password: &str) -> Customer {
        let message = json!({"email": email, "password": password});
        let answer = self.call("user.v1.AuthService/SignIn", message).await;
        Customer::from(self, &answer)
    }

    pub async fn sign_up(&self, email: &str) -> Customer {
        let message = json!({"name": "", "email": email, "password": "a short sentence"});
        let answer = self.call("user.v1.AuthService/SignUp", message).await;
        Customer::from(self, &answer)
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Customer {
    pub id: String,
    pub door: Door,
}

impl Customer {
    fn from(door: &Door, answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.bytes);
        let body = answer.json();
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let mut door = door.clone();
        door.token = Some(text(&body["tokens"]["accessToken"]));
        Self {
            id: text(&body["user"]["id"]),
            door,
        }
    }

    /// What an order of one SKU asks.
    pub fn order(&self, sku: &str, quantity: u32, method: &str) -> Value {
        json!({
            "customerId": self.id,
            "items": [{"sku": sku, "quantity": quantity}],
            "paymentMethod": {"token": method},
        })
    }

    pub async fn place(&self, sku: &str, quantity: u32, method: &str) -> Answer {
        self.door
            .call(
                "order.v1.OrderService/CreateOrder",
                self.order(sku, quantity, method),
            )
            .await
    }
}
