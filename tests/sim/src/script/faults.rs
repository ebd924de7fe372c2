//! Trouble on demand.

use std::time::Duration;

use grammers_tl_types::{enums, types};

use super::Simulator;
use crate::dispatch;
use crate::fault::{Armed, Fault, Match};
use crate::record::RpcError;
use crate::{HOME_DC, OTHER_DC};

impl Simulator {
    /// Arms a fault. Several may be armed; the oldest that matches a call befalls it.
    pub fn fault(&self, matching: Match, fault: Fault) {
        self.shared
            .change(|world| world.faults.push(Armed::new(matching, fault)));
    }

    /// Disarms all faults; what they hold back stays held.
    pub fn clear_faults(&self) {
        self.shared.change(|world| world.faults.clear());
    }

    /// Lets go all that `Hold` and `HoldBefore` hold back, in the order in which it came.
    pub fn release(&self) {
        self.shared.change(dispatch::release);
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

    /// Closes the listening sockets, so that connecting is refused, or opens them again. Connections stay.
    /// Returns when it is so.
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
                world.fail("the listening sockets did not follow refuse_connections")
            });
        }
    }

    /// Sets whether pushes are swallowed, all of them.
    pub fn silent(&self, silent: bool) {
        self.shared.change(|world| world.silent = silent);
    }

    /// Swallows the next `count` pushes.
    pub fn skip_pushes(&self, count: usize) {
        self.shared.change(|world| world.pushes_to_skip = count);
    }

    /// Pushes `updateChannelTooLong` with the channel's present `pts`.
    pub fn push_too_long(&self, chat: i64) {
        self.shared.change(|world| {
            let pts = world.pts(chat);
            let update = enums::Update::ChannelTooLong(types::UpdateChannelTooLong {
                channel_id: chat,
                pts,
            });
            let updates = world.updates(vec![update], Vec::new(), &[chat]);
            world.push(&updates, None);
        });
    }

    /// Pushes any updates at all.
    pub fn push(&self, updates: &enums::Updates) {
        self.shared.change(|world| world.push(updates, None));
    }

    /// Answers the next `times` `updates.getChannelDifference` of a chat with `channelDifferenceTooLong`.
    pub fn difference_too_long(&self, chat: i64, times: usize) {
        self.shared.change(|world| {
            if let Some(chat) = world.chats.get_mut(&chat) {
                chat.too_long = times;
            }
        });
    }

    /// Ends the login from outside: every call is answered with this error, for instance
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

    /// Ends the login as "terminate session" on another device does: `401 SESSION_REVOKED`.
    pub fn revoke(&self) {
        let RpcError { code, message } = RpcError::new(401, "SESSION_REVOKED");
        self.end_login(code, &message);
    }

    /// Undoes [`end_login`](Self::end_login) and [`revoke`](Self::revoke).
    pub fn restore_login(&self) {
        self.shared.change(|world| {
            for key in world.keys.values_mut() {
                key.ended = None;
                key.forgotten = false;
            }
        });
    }

    /// Forgets the account's home key: packets under it are answered with a transport error −404.
    pub fn forget_key(&self) {
        let id = self.keys.home.id();
        self.shared.change(|world| {
            if let Some(key) = world.keys.get_mut(&id) {
                key.forgotten = true;
            }
        });
    }

    /// Forgets the authorization of the other data centre's key, so that it has to be imported again.
    pub fn forget_import(&self) {
        self.shared.change(|world| {
            for key in world.keys.values_mut().filter(|key| key.dc == OTHER_DC) {
                key.authorized = false;
            }
        });
    }
}
