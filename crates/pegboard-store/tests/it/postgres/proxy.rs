//! A way to the database that can be watched and cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pegboard_store::PostgresUrl;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::home::PostgresHome;

/// Passes everything on, and counts exchanges: the times at which the client spoke after the database had.
pub(super) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

/// Whose exchanges are meant: of connections that work, or of the one that listens.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Work,
    Listener,
}

#[derive(Default)]
struct Shared {
    of_work: Counted,
    of_listener: Counted,
    cuts: AtomicU64,
}

#[derive(Default)]
struct Counted {
    exchanges: AtomicU64,
    /// The exchange whose answer is swallowed, together with its connection; 0 for none.
    swallowed: AtomicU64,
}

impl Shared {
    fn of(&self, whose: Of) -> &Counted {
        match whose {
            Of::Work => &self.of_work,
            Of::Listener => &self.of_listener,
        }
    }
}

impl Proxy {
    pub(super) async fn start(home: &PostgresHome) -> Self {
        let upstream = home.address();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let of_all = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(pass(client, server, of_all.clone()));
            }
        });
        Self { port, shared }
    }

    /// The URL of the store by this way.
    pub(super) fn url(&self, home: &PostgresHome) -> PostgresUrl {
        let url = home.url().to_string().replace(&home.address(), &format!("127.0.0.1:{}", self.port));
        format!("{url}&sslmode=disable").parse().unwrap()
    }

    /// The exchanges of connections that work.
    pub(super) fn exchanges(&self) -> u64 {
        self.shared.of_work.exchanges.load(Ordering::SeqCst)
    }

    /// Has the answer of the n-th exchange from now on get lost, and the connection with it.
    pub(super) fn swallow(&self, whose: Of, nth: u64) {
        let counted = self.shared.of(whose);
        counted.swallowed.store(counted.exchanges.load(Ordering::SeqCst) + nth, Ordering::SeqCst);
    }

    pub(super) fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, shared: Arc<Shared>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let (mut client_speaks, mut swallows, mut whose) = (false, false, Of::Work);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                if asked[..length].windows(7).any(|words| words == b"LISTEN ") {
                    whose = Of::Listener;
                }
                if !client_speaks {
                    client_speaks = true;
                    let counted = shared.of(whose);
                    let exchange = counted.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
                    swallows |= exchange == counted.swallowed.load(Ordering::SeqCst);
                }
                if server.write_all(&asked[..length]).await.is_err() { return }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                client_speaks = false;
                if swallows {
                    // The database has done what it was asked by the time it answers in full.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    shared.cuts.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                if client.write_all(&answered[..length]).await.is_err() { return }
            }
        }
    }
}
