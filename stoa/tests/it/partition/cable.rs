//! A cable between two processes, of which either way can be cut: what is sent is kept back, as a network does that
//! loses it and is healed before anybody gives up. New connections are made and say nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Which way of a cable is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// Neither.
    #[default]
    None,
    /// Requests do not arrive.
    There,
    /// Answers do not come back.
    Back,
    Both,
}

pub struct Cable {
    /// Where it begins.
    pub address: SocketAddr,
    cut: watch::Sender<Cut>,
    /// How much it kept back.
    held: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

impl Cable {
    /// Leads to a port of this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let cut = watch::Sender::new(Cut::None);
        let (seen, held) = (cut.subscribe(), Arc::<AtomicUsize>::default());
        let holds = held.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, port, seen.clone(), holds.clone()));
            }
        });
        Self {
            address,
            cut,
            held,
            accepting: accepting.abort_handle(),
        }
    }

    pub fn cut(&self, cut: Cut) {
        self.cut.send_replace(cut);
    }

    /// How many bytes it has kept back so far.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(near: TcpStream, port: u16, cut: watch::Receiver<Cut>, held: Arc<AtomicUsize>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
        return; // the near end sees it close
    };
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let there = one_way(near_read, far_write, (cut.clone(), Cut::There), &held);
    let back = one_way(far_read, near_write, (cut, Cut::Back), &held);
    tokio::join!(there, back);
}

async fn one_way(
    mut from: OwnedReadHalf,
    mut into: OwnedWriteHalf,
    (mut cut, way): (watch::Receiver<Cut>, Cut),
    held: &AtomicUsize,
) {
    let mut bytes = [0; 16 << 10];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else {
            return;
        };
        let is_open = |cut: &Cut| *cut != way && *cut != Cut::Both;
        if !is_open(&cut.borrow()) {
            held.fetch_add(read, Ordering::Relaxed);
        }
        // Also what was under way when it was cut.
        let open = cut.wait_for(is_open).await.is_ok();
        if !open || into.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
