//! `stoa healthcheck`: what a container asks of its own image, which has no
//! other program in it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Exit 0 if `url`, or the configured address, is ready.
///
/// # Errors
///
/// Nobody answers there.
pub fn run(config: &Config, url: Option<&str>) -> anyhow::Result<ExitCode> {
    let port = config.general.port.unwrap_or(8080);
    let default = format!(
        "http://{}",
        std::net::SocketAddr::new(config.general.bind(), port)
    );
    let uri: http::Uri = url
        .unwrap_or(&default)
        .parse()
        .context("the URL does not parse")?;
    let authority = uri.authority().context("the URL names no host")?;
    let address = (authority.host(), authority.port_u16().unwrap_or(80))
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .with_context(|| format!("{authority} has no address"))?;
    let path = match uri.path() {
        "" | "/" => "/readyz",
        path => path,
    };
    let status = status(address, authority.as_str(), path)
        .with_context(|| format!("nobody answers at {authority}"))?;
    println!("{path} {status}");
    Ok(if status == 200 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn status(address: std::net::SocketAddr, host: &str, path: &str) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.context("the answer is not HTTP")
}
