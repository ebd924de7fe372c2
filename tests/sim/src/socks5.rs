//! A SOCKS5 proxy on loopback (RFC 1928) with an optional user name and password (RFC 1929).
//!
//! The proxy knows the command CONNECT only. It counts the connections that it relays and those that it refuses. It can
//! connect clients that ask for Telegram's own addresses to a simulator.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
/// The reply to a client whose address the rules of the proxy do not allow.
const NOT_ALLOWED: u8 = 2;

/// A running proxy. Dropping it ends all of its connections.
pub struct Socks5Proxy {
    address: SocketAddr,
    counts: Arc<Counts>,
    runtime: Option<Runtime>,
}

/// The login and the addresses that the proxy accepts.
struct Rules {
    login: Option<(String, String)>,
    /// The addresses to which clients are connected instead of those that they ask for. All others are refused.
    redirects: Option<BTreeMap<SocketAddrV4, SocketAddrV4>>,
}

#[derive(Default)]
struct Counts {
    relayed: AtomicUsize,
    refused: AtomicUsize,
}

impl Socks5Proxy {
    /// Starts a proxy on a free port of 127.0.0.1. If `login` holds a user name and a password, the proxy refuses every
    /// client that does not send them.
    ///
    /// # Errors
    /// If the port cannot be bound or the runtime cannot be started.
    pub fn start(login: Option<(&str, &str)>) -> io::Result<Self> {
        let login = login.map(|(name, password)| (name.to_owned(), password.to_owned()));
        Self::launch(Rules {
            login,
            redirects: None,
        })
    }

    /// Starts a proxy without a login on a free port of 127.0.0.1. A client that asks for a key of `redirects` is
    /// connected to its value. The proxy refuses every other address.
    ///
    /// # Errors
    /// If the port cannot be bound or the runtime cannot be started.
    pub fn start_redirecting(redirects: BTreeMap<SocketAddrV4, SocketAddrV4>) -> io::Result<Self> {
        Self::launch(Rules {
            login: None,
            redirects: Some(redirects),
        })
    }

    fn launch(rules: Rules) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("socks5-proxy")
            .enable_all()
            .build()?;
        let guard = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(guard);
        let counts = Arc::<Counts>::default();
        let rules = Arc::new(rules);
        let counted = Arc::clone(&counts);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (rules, counts) = (Arc::clone(&rules), Arc::clone(&counted));
                tokio::spawn(async move {
                    // A connection that ends, on either side, is not an error of the proxy.
                    let _ = serve(client, &rules, &counts).await;
                });
            }
        });
        Ok(Self {
            address,
            counts,
            runtime: Some(runtime),
        })
    }

    /// Returns the port on which the proxy listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the number of connections that the proxy has opened for clients so far.
    pub fn relayed(&self) -> usize {
        self.counts.relayed.load(Ordering::SeqCst)
    }

    /// Returns the number of clients whose credentials or addresses the proxy has refused so far.
    pub fn refused(&self) -> usize {
        self.counts.refused.load(Ordering::SeqCst)
    }
}

impl Drop for Socks5Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(mut client: TcpStream, rules: &Rules, counts: &Counts) -> io::Result<()> {
    if !authenticate(&mut client, rules.login.as_ref()).await? {
        counts.refused.fetch_add(1, Ordering::SeqCst);
        return Ok(());
    }
    let requested = requested_address(&mut client).await?;
    let target = match &rules.redirects {
        None => Some(requested),
        Some(redirects) => redirects.get(&requested).copied(),
    };
    let Some(target) = target else {
        counts.refused.fetch_add(1, Ordering::SeqCst);
        let reply = [VERSION, NOT_ALLOWED, 0, IPV4, 0, 0, 0, 0, 0, 0];
        return client.write_all(&reply).await;
    };
    let mut server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    counts.relayed.fetch_add(1, Ordering::SeqCst);
    // The bound address in the reply is 0.0.0.0:0, which clients ignore after CONNECT.
    let reply = [VERSION, 0, 0, IPV4, 0, 0, 0, 0, 0, 0];
    client.write_all(&reply).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Negotiates a method and reads the credentials if there is a login. Returns false if the client is refused.
async fn authenticate(
    client: &mut TcpStream,
    login: Option<&(String, String)>,
) -> io::Result<bool> {
    expect(client, VERSION).await?;
    let methods = counted_bytes(client).await?;
    let method = if login.is_some() { LOGIN } else { NO_LOGIN };
    if !methods.contains(&method) {
        client.write_all(&[VERSION, NO_METHOD]).await?;
        return Ok(false);
    }
    client.write_all(&[VERSION, method]).await?;
    let Some((name, password)) = login else {
        return Ok(true);
    };
    expect(client, LOGIN_VERSION).await?;
    let sent = (counted_bytes(client).await?, counted_bytes(client).await?);
    let matches = sent.0 == name.as_bytes() && sent.1 == password.as_bytes();
    client
        .write_all(&[LOGIN_VERSION, u8::from(!matches)])
        .await?;
    Ok(matches)
}

async fn requested_address(client: &mut TcpStream) -> io::Result<SocketAddrV4> {
    expect(client, VERSION).await?;
    expect(client, CONNECT).await?;
    client.read_u8().await?;
    expect(client, IPV4).await?;
    let address = Ipv4Addr::from_bits(client.read_u32().await?);
    Ok(SocketAddrV4::new(address, client.read_u16().await?))
}

async fn expect(client: &mut TcpStream, byte: u8) -> io::Result<()> {
    let read = client.read_u8().await?;
    if read == byte {
        Ok(())
    } else {
        Err(ErrorKind::InvalidData.into())
    }
}

/// Reads a length of one byte and that many bytes.
async fn counted_bytes(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(client.read_u8().await?)];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}
