//! Sockets and tasks: listens for both data centres, and runs each connection from accept to close.
//!
//! The module `packets` handles packets and `dispatch` handles requests. All messages on a connection go through one
//! queue, so that replies and pushes keep their order.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::dispatch::Next;
use crate::mtproto::Numbering;
use crate::packets::{PacketHandler, salt};
use crate::shared::Shared;
use crate::transport::{FrameDecoder, FrameEncoder};
use crate::world::{Connection, Outgoing};

/// Accepts connections of one data centre without end. The listening socket is closed while the world is `refusing`.
pub(crate) async fn listen(shared: Arc<Shared>, dc: i32, listener: std::net::TcpListener) {
    let mut changes = shared.watch();
    let address = SocketAddrV4::new(
        Ipv4Addr::LOCALHOST,
        listener.local_addr().map_or(0, |address| address.port()),
    );
    let mut listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            return shared.change(|world| world.record_failure(format!("cannot listen: {error}")));
        }
    };
    let mut connections = JoinSet::new();
    loop {
        shared.change(|world| world.listening.insert(dc));
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(Arc::clone(&shared), dc, stream));
                },
                Some(_) = connections.join_next() => {}
                _ = changes.wait_for(|_| shared.read(|world| world.refusing)) => break,
            }
        }
        drop(listener);
        shared.change(|world| world.listening.remove(&dc));
        // The wait cannot fail because `shared` owns the sender.
        let _ = changes
            .wait_for(|_| shared.read(|world| !world.refusing))
            .await;
        listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                return shared.change(|world| {
                    world.record_failure(format!("cannot listen again on {address}: {error}"))
                });
            }
        };
    }
}

/// Removes a connection from the world when its task ends or is aborted.
struct Registration {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let present = self
            .shared
            .read(|world| world.connections.contains_key(&self.id));
        if present {
            self.shared
                .change(|world| world.connections.remove(&self.id));
        }
    }
}

async fn connection(shared: Arc<Shared>, dc: i32, stream: TcpStream) {
    // Without this, small packets in both directions wait for the other side's delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let (mut read, write) = stream.into_split();
    let (outgoing, queue) = mpsc::unbounded_channel();
    let mut reading = JoinSet::new();
    let mut writing = JoinSet::new();
    let id = shared.change(|world| {
        world.accepted += 1;
        let id = world.serial().cast_unsigned();
        world.connections.insert(
            id,
            Connection {
                dc,
                address: None,
                outgoing,
                task: None,
                silent: false,
            },
        );
        id
    });
    let _registration = Registration {
        shared: Arc::clone(&shared),
        id,
    };
    writing.spawn(write_all(write, queue));
    let reader = Arc::clone(&shared);
    let task = reading.spawn(async move {
        let mut packets = PacketHandler::new(reader, id, dc);
        let mut frames = FrameDecoder::default();
        loop {
            let deadline = packets.deadline;
            tokio::select! {
                count = read.read_buf(frames.buffer()) => match count {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                },
                () = wait_for_deadline(deadline) => {
                    if !packets.is_silent() {
                        return;
                    }
                    packets.deadline = None;
                }
            }
            loop {
                match frames.next() {
                    Ok(Some(payload)) => {
                        if let Next::Close = packets.handle(&payload) {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        packets.shared.change(|world| {
                            world.record_failure(format!("invalid frame: {error:?}"))
                        });
                        return;
                    }
                }
            }
        }
    });
    shared.change(|world| {
        if let Some(connection) = world.connections.get_mut(&id) {
            connection.task = Some(task);
        }
    });
    // The connection ends when one half ends: the writer after a transport error, the reader in all other cases.
    tokio::select! {
        _ = reading.join_next() => {}
        _ = writing.join_next() => {}
    }
}

/// Returns at the deadline, and never if there is none.
async fn wait_for_deadline(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn write_all(mut write: OwnedWriteHalf, mut queue: UnboundedReceiver<Outgoing>) {
    let mut frames = FrameEncoder::default();
    let mut numbering = Numbering::default();
    while let Some(outgoing) = queue.recv().await {
        let (bytes, last) = match outgoing {
            Outgoing::Message {
                time,
                key,
                session_id,
                body,
                content,
                answer,
            } => {
                let message = numbering.message(time, &body, content, answer);
                (
                    frames.encode(&key.encrypt(salt(&key), session_id, &message)),
                    false,
                )
            }
            Outgoing::Plain(payload) => (frames.encode(&payload), false),
            Outgoing::FramedError(code) => (frames.encode(&code.to_le_bytes()), true),
            Outgoing::Raw(bytes) => (bytes, true),
        };
        if write.write_all(&bytes).await.is_err() || last {
            return;
        }
    }
}
