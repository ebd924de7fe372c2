//! Faults: refused calls, lost replies, cut connections, dropped pushes, and logins that end.

use std::time::Duration;

use grammers_tl_types::{enums, types};

use super::Simulator;
use crate::dispatch;
use crate::fault::{ArmedFault, Fault, Match};
use crate::key_exchange::{KeyExchangeFault, KeyExchangeStep};
use crate::record::RpcError;
use crate::world::link::Framing;
use crate::world::unknown_constructors::Unreadable;
use crate::{HOME_DC, OTHER_DC};

impl Simulator {
    /// Arms a fault. If several armed faults match a call, the oldest one is applied.
    pub fn fault(&self, matching: Match, fault: Fault) {
        self.shared
            .change(|world| world.faults.push(ArmedFault::new(matching, fault)));
    }

    /// Disarms all faults. Calls and replies that are held remain held.
    pub fn clear_faults(&self) {
        self.shared.change(|world| world.faults.clear());
    }

    /// Releases all calls and replies that `Hold` and `HoldBefore` hold, in the order in which they came.
    pub fn release(&self) {
        self.shared.change(dispatch::release);
    }

    /// Applies a fault to the next `times` requests of key exchanges at this step.
    pub fn fault_key_exchange(&self, step: KeyExchangeStep, fault: KeyExchangeFault, times: usize) {
        self.shared.change(|world| {
            let armed = std::iter::repeat_n((step, fault), times);
            world.link.key_exchange_faults.extend(armed);
        });
    }

    /// Cuts every connection.
    pub fn cut_all(&self) {
        self.cut(|_| true);
    }

    /// Cuts the connections to one data centre.
    pub fn cut_dc(&self, dc: i32) {
        self.cut(|connected| connected == dc);
    }

    fn cut(&self, only: impl Fn(i32) -> bool) {
        let tasks = self
            .shared
            .change(|world| world.cut(|connection| only(connection.dc)));
        for task in tasks {
            task.abort();
        }
    }

    /// Closes the listening sockets, so that the system refuses connections, or opens them again. Returns when this is
    /// done. Open connections remain.
    pub fn refuse_connections(&self, refuse: bool) {
        self.shared.change(|world| world.refusing = refuse);
        let all = |world: &crate::World| {
            let open = [HOME_DC, OTHER_DC]
                .iter()
                .filter(|dc| world.listening.contains(dc))
                .count();
            (open == if refuse { 0 } else { 2 }).then_some(())
        };
        if self.shared.wait(all, Duration::from_secs(10)).is_none() {
            self.shared.change(|world| {
                world.record_failure("the listening sockets were not closed or opened in time")
            });
        }
    }

    /// Lets nothing through on the present connections, in either direction. They stay open, as those of a lost network
    /// do; new connections work.
    pub fn silence_connections(&self) {
        self.shared.change(|world| {
            for connection in world.connections.values_mut() {
                connection.silent = true;
            }
        });
    }

    /// Answers every encrypted packet to a data centre with this transport error, such as −429, and closes its connection.
    pub fn send_transport_errors(&self, dc: i32, code: i32, framing: Framing) {
        self.shared
            .change(|world| world.link.errors.insert(dc, (code, framing)));
    }

    /// Ends [`send_transport_errors`](Self::send_transport_errors).
    pub fn end_transport_errors(&self, dc: i32) {
        self.shared.change(|world| world.link.errors.remove(&dc));
    }

    /// Sets how far the clock in the server's message ids is ahead of this machine's, in seconds. Clients whose message
    /// ids are more than 30 s ahead of it or more than 300 s behind are rejected.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.shared
            .change(|world| world.link.clock_offset = seconds);
    }

    /// Sets whether unencrypted messages, which show the server's time, are answered with transport error −404.
    pub fn refuse_key_exchanges(&self, refuse: bool) {
        self.shared
            .change(|world| world.link.refuses_plain = refuse);
    }

    /// Sets whether all pushes are dropped.
    pub fn suppress_pushes(&self, suppress: bool) {
        self.shared
            .change(|world| world.pushes_suppressed = suppress);
    }

    /// Drops the next `count` pushes.
    pub fn drop_pushes(&self, count: usize) {
        self.shared.change(|world| world.pushes_to_drop = count);
    }

    /// Pushes `updateChannelTooLong` with the channel's present `pts`.
    pub fn push_too_long(&self, chat: i64) {
        self.shared.change(|world| {
            let pts = Some(world.pts(chat));
            let update = enums::Update::ChannelTooLong(types::UpdateChannelTooLong {
                channel_id: chat,
                pts,
            });
            let updates = world.updates(vec![update], Vec::new(), &[chat]);
            world.push(&updates, None);
        });
    }

    /// Pushes `updateChannel`, although nothing needs to have changed. The account may have been removed from the chat.
    pub fn push_channel(&self, chat: i64) {
        self.shared.change(|world| {
            if world.chats.contains_key(&chat) {
                world.push_channel_update(chat);
            } else {
                world.record_failure(format!("unknown chat: {chat}"));
            }
        });
    }

    /// Sets whether no event of a chat is pushed, as in large groups: clients read them with
    /// `updates.getChannelDifference`. Changes of the account's own membership are pushed all the same.
    pub fn set_silent(&self, chat: i64, silent: bool) {
        self.with_chat(chat, |chat| chat.silent = silent);
    }

    /// Sets the `timeout` of a chat's differences, in seconds.
    pub fn set_difference_timeout(&self, chat: i64, seconds: i32) {
        self.with_chat(chat, |chat| chat.difference_timeout = seconds);
    }

    /// Sets whether the objects of groups have `participants_count`.
    pub fn show_participants_counts(&self, show: bool) {
        self.shared
            .change(|world| world.options.participants_count_in_chats = show);
    }

    /// Pushes these updates.
    pub fn push(&self, updates: &enums::Updates) {
        self.shared.change(|world| world.push(updates, None));
    }

    /// Answers the next `times` `updates.getChannelDifference` of a chat with `channelDifferenceTooLong`.
    pub fn difference_too_long(&self, chat: i64, times: usize) {
        self.shared
            .change(|world| match world.chats.get_mut(&chat) {
                Some(chat) => chat.too_long = times,
                None => world.record_failure(format!("unknown chat: {chat}")),
            });
    }

    /// Sets the largest gap that does not give `channelDifferenceTooLong`, in events.
    pub fn too_long_after(&self, events: i32) {
        self.shared
            .change(|world| world.options.longest_difference = events);
    }

    /// Answers every `updates.getChannelDifference` of a chat with this error, for instance
    /// `(500, "PERSISTENT_TIMESTAMP_OUTDATED")`, until [`restore_differences`](Self::restore_differences).
    pub fn refuse_differences(&self, chat: i64, code: i32, message: &str) {
        let error = RpcError::new(code, message);
        self.with_chat(chat, |chat| chat.difference_error = Some(error));
    }

    /// Undoes [`refuse_differences`](Self::refuse_differences).
    pub fn restore_differences(&self, chat: i64) {
        self.with_chat(chat, |chat| chat.difference_error = None);
    }

    /// Gives a message a constructor that no client knows, in every later answer and push.
    pub fn make_unreadable(&self, chat: i64, message: i32) {
        self.with_chat(chat, |chat| {
            chat.unreadable.insert(Unreadable::Message(message));
        });
    }

    /// Ends the login. Every call is then answered with this error, for instance
    /// `(401, "SESSION_REVOKED")`, `(401, "USER_DEACTIVATED_BAN")`, `(406, "AUTH_KEY_DUPLICATED")`.
    pub fn end_login(&self, code: i32, message: &str) {
        let ids = [self.keys.home.id(), self.keys.other.id()];
        self.shared.change(|world| {
            for id in ids {
                if let Some(key) = world.keys.get_mut(&id) {
                    key.ended = Some((code, message.to_owned()));
                }
            }
        });
    }

    /// Ends the login as "terminate session" on another device does, with `401 SESSION_REVOKED`.
    pub fn revoke_session(&self) {
        let RpcError { code, message } = RpcError::new(401, "SESSION_REVOKED");
        self.end_login(code, &message);
    }

    /// Undoes [`end_login`](Self::end_login) and [`revoke_session`](Self::revoke_session).
    pub fn restore_login(&self) {
        self.shared.change(|world| {
            for key in world.keys.values_mut() {
                key.ended = None;
                key.forgotten = false;
            }
        });
    }

    /// Forgets the account's home key. Packets under it are then answered with transport error −404.
    pub fn forget_key(&self) {
        let id = self.keys.home.id();
        self.shared.change(|world| {
            if let Some(key) = world.keys.get_mut(&id) {
                key.forgotten = true;
            }
        });
    }

    /// Forgets all keys of a data centre. Packets under them are then answered with transport error −404.
    pub fn forget_keys(&self, dc: i32) {
        self.shared.change(|world| {
            for key in world.keys.values_mut().filter(|key| key.dc == dc) {
                key.forgotten = true;
            }
        });
    }

    /// Forgets every `initConnection`. Calls over the present connections are then refused with `400
    /// CONNECTION_NOT_INITED`.
    pub fn forget_init_connection(&self) {
        self.shared.change(|world| {
            for session in world.sessions.values_mut() {
                session.uninitialized = true;
            }
        });
    }

    /// Forgets the authorization of the key of the other data centre, which the client has to import again.
    pub fn forget_imported_authorization(&self) {
        self.shared.change(|world| {
            for key in world.keys.values_mut().filter(|key| key.dc == OTHER_DC) {
                key.authorized = false;
            }
        });
    }
}
