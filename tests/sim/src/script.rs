//! The handle by which a test controls a running simulator.
//!
//! This module starts the servers and waits for changes. Its submodules have the methods that change and read the world,
//! by subject.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::crypto::AuthKey;
use crate::options::Options;
use crate::rsa_key::RsaKey;
use crate::server;
use crate::shared::Shared;
use crate::world::{Key, World};
use crate::{HOME_DC, OTHER_DC};

mod chats;
mod dialogs;
mod faults;
mod joins;
mod login;
mod members;
mod people;
mod queries;
mod session;

pub use joins::JoinKind;

/// A running simulator. Dropping it ends the servers.
pub struct Simulator {
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
    addresses: [SocketAddrV4; 2],
    keys: Keys,
}

/// The authorization keys that session files contain. The home key is logged in, the fresh keys are not.
struct Keys {
    home: AuthKey,
    other: AuthKey,
    fresh_home: AuthKey,
    fresh_other: AuthKey,
}

/// The server's public RSA key, which a client has to know before it can negotiate a key.
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// PEM, PKCS #1.
    pub pem: String,
    /// The modulus in decimal digits. The exponent is 65,537.
    pub modulus: String,
    /// The number by which `resPQ` names the key.
    pub fingerprint: i64,
}

/// The error of a wait that timed out. Its text describes the state of the simulator.
#[derive(Debug)]
pub struct TimedOut {
    description: String,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}

impl std::error::Error for TimedOut {}

impl Simulator {
    /// Starts the servers of both data centres, each on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If a port cannot be bound or the runtime cannot be started.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("telegram-sim")
            .enable_all()
            .build()?;
        let mut world = World::new(options);
        world.runtime = Some(runtime.handle().clone());
        let rsa = world.options.rsa_key.as_deref().map(RsaKey::from_pem);
        let rsa = rsa.transpose().map_err(io::Error::other)?;
        let keys = Keys {
            home: seed_key(&mut world, HOME_DC, true)?,
            other: seed_key(&mut world, OTHER_DC, false)?,
            fresh_home: seed_key(&mut world, HOME_DC, false)?,
            fresh_other: seed_key(&mut world, OTHER_DC, false)?,
        };
        let shared = Arc::new(Shared::new(world, rsa));
        let mut addresses = [SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0); 2];
        let guard = runtime.enter();
        for (dc, address) in [HOME_DC, OTHER_DC].into_iter().zip(&mut addresses) {
            let listener = TcpListener::bind(*address)?;
            listener.set_nonblocking(true)?;
            if let SocketAddr::V4(bound) = listener.local_addr()? {
                *address = bound;
                shared.change(|world| world.addresses.insert(dc, bound));
            }
            runtime.spawn(server::listen(Arc::clone(&shared), dc, listener));
        }
        drop(guard);
        Ok(Self {
            shared,
            runtime: Some(runtime),
            addresses,
            keys,
        })
    }

    /// Returns the address of a data centre: [`HOME_DC`] or [`OTHER_DC`].
    pub fn address(&self, dc: i32) -> SocketAddrV4 {
        self.addresses[usize::from(dc != HOME_DC)]
    }

    /// Returns the account's authorization key in its home data centre.
    pub fn key(&self) -> [u8; 256] {
        *self.keys.home.data()
    }

    /// Returns the key that [`write_session`](Self::write_session) writes for a data centre.
    pub fn key_of(&self, dc: i32) -> [u8; 256] {
        if dc == HOME_DC {
            self.key()
        } else {
            *self.keys.other.data()
        }
    }

    /// Returns the server's public RSA key, and makes it first if nothing has needed it yet.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn public_key(&self) -> io::Result<PublicKey> {
        let key = self.shared.rsa_key().map_err(io::Error::other)?;
        Ok(PublicKey {
            pem: key.public_pem().to_owned(),
            modulus: key.modulus(),
            fingerprint: key.fingerprint(),
        })
    }

    /// Returns the own user id of the first account.
    pub fn me(&self) -> i64 {
        self.shared.read(|world| world.me)
    }

    /// Blocks until `look` returns a value. It is called under the lock at each change of the world, and must be quick.
    ///
    /// This blocks the thread. If the client runs on the same single-threaded runtime as the test, use
    /// [`wait_async`](Self::wait_async).
    ///
    /// # Errors
    /// If `look` returned nothing in time.
    pub fn wait<T>(
        &self,
        look: impl FnMut(&World) -> Option<T>,
        timeout: Duration,
    ) -> Result<T, TimedOut> {
        self.shared
            .wait(look, timeout)
            .ok_or_else(|| self.timed_out("the awaited event", timeout))
    }

    /// Waits like [`wait`](Self::wait), for async code.
    ///
    /// # Errors
    /// If `look` returned nothing in time.
    pub async fn wait_async<T>(
        &self,
        mut look: impl FnMut(&World) -> Option<T>,
        timeout: Duration,
    ) -> Result<T, TimedOut> {
        let mut changes = self.shared.watch();
        let found = tokio::time::timeout(timeout, async {
            loop {
                // The change is marked as seen before the look, so that a change in between wakes the wait below.
                changes.borrow_and_update();
                if let Some(value) = self.shared.read(&mut look) {
                    return Some(value);
                }
                if changes.changed().await.is_err() {
                    return None;
                }
            }
        });
        found
            .await
            .ok()
            .flatten()
            .ok_or_else(|| self.timed_out("the awaited event", timeout))
    }

    /// Calls `look` on the present world under the lock.
    pub fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        self.shared.read(look)
    }

    fn timed_out(&self, event: &str, timeout: Duration) -> TimedOut {
        self.shared.read(|world| {
            let newest: Vec<String> = world
                .calls
                .iter()
                .rev()
                .take(12)
                .map(|call| format!("{call:?}"))
                .collect();
            TimedOut {
                description: format!(
                    "{event} did not happen within {timeout:?}; connections {:?}, client connected {}, {} calls, \
                     newest first {newest:#?}, failures {:#?}",
                    world.connections(),
                    world.connected(),
                    world.calls.len(),
                    world.failures,
                ),
            }
        })
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A blocking shutdown would panic if the handle is dropped inside another runtime.
            runtime.shutdown_background();
        }
    }
}

/// Adds a key of the account as which the world is seen.
fn seed_key(world: &mut World, dc: i32, authorized: bool) -> io::Result<AuthKey> {
    let mut data = [0; 256];
    getrandom::fill(&mut data).map_err(io::Error::other)?;
    let key = AuthKey::new(data);
    world.keys.insert(
        key.id(),
        Key {
            key: Arc::new(key),
            dc,
            authorized,
            account: Some(world.me),
            ended: None,
            forgotten: false,
            negotiated: false,
        },
    );
    Ok(key)
}
