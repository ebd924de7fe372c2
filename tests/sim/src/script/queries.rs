//! What a test reads and waits for.

use std::time::Duration;

use super::{Simulator, TimedOut};
use crate::record::{Call, Post};
use crate::world::Device;

impl Simulator {
    /// Returns every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.read(|world| world.calls.clone())
    }

    /// Returns the calls of one method, for instance `"upload.getFile"`.
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        self.shared
            .read(|world| world.calls_of(method).cloned().collect())
    }

    /// Returns unknown calls, violations of the protocol, and slips of the script, in words.
    pub fn failures(&self) -> Vec<String> {
        self.shared.read(|world| world.failures.clone())
    }

    /// Returns the messages of a chat that are no service messages, oldest first.
    pub fn posts(&self, chat: i64) -> Vec<Post> {
        self.shared.read(|world| world.posts(chat))
    }

    /// Returns the posts of the account under test in any chat, with the chat's id.
    pub fn posts_by_account(&self) -> Vec<(i64, Post)> {
        self.shared.read(|world| {
            world
                .chats
                .iter()
                .flat_map(|(id, chat)| chat.posts(world).into_iter().map(|post| (*id, post)))
                .filter(|(_, post)| post.by_account)
                .collect()
        })
    }

    /// Returns whether a client is there that pushes would reach.
    pub fn connected(&self) -> bool {
        self.shared.read(crate::World::connected)
    }

    /// Returns a channel's present `pts`; 0 if there is no such channel.
    pub fn pts(&self, chat: i64) -> i32 {
        self.shared.read(|world| world.pts(chat).unwrap_or(0))
    }

    /// Returns what clients said of themselves in `initConnection`.
    pub fn devices(&self) -> Vec<Device> {
        self.shared.read(crate::World::devices)
    }

    /// Waits until a chat has at least `count` posts, and returns them all.
    ///
    /// # Errors
    /// When there are fewer after `timeout`.
    pub fn wait_for_posts(
        &self,
        chat: i64,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Post>, TimedOut> {
        self.shared
            .wait(
                |world| (world.chats.get(&chat)?.count_posts() >= count).then(|| world.posts(chat)),
                timeout,
            )
            .ok_or_else(|| self.timed_out(&format!("post number {count} in {chat}"), timeout))
    }

    /// As [`wait_for_posts`](Self::wait_for_posts), for async code.
    ///
    /// # Errors
    /// When there are fewer after `timeout`.
    pub async fn wait_for_posts_async(
        &self,
        chat: i64,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Post>, TimedOut> {
        self.wait_async(
            |world| (world.chats.get(&chat)?.count_posts() >= count).then(|| world.posts(chat)),
            timeout,
        )
        .await
        .map_err(|_| self.timed_out(&format!("post number {count} in {chat}"), timeout))
    }

    /// Waits until a method was called `count` times, done or not, and returns the last of these calls.
    ///
    /// # Errors
    /// When it was called less often after `timeout`.
    pub fn wait_for_call(
        &self,
        method: &str,
        count: usize,
        timeout: Duration,
    ) -> Result<Call, TimedOut> {
        self.shared
            .wait(
                |world| world.calls_of(method).nth(count.checked_sub(1)?).cloned(),
                timeout,
            )
            .ok_or_else(|| self.timed_out(&format!("call number {count} of {method}"), timeout))
    }

    /// As [`wait_for_call`](Self::wait_for_call), for async code.
    ///
    /// # Errors
    /// When it was called less often after `timeout`.
    pub async fn wait_for_call_async(
        &self,
        method: &str,
        count: usize,
        timeout: Duration,
    ) -> Result<Call, TimedOut> {
        self.wait_async(
            |world| world.calls_of(method).nth(count.checked_sub(1)?).cloned(),
            timeout,
        )
        .await
        .map_err(|_| self.timed_out(&format!("call number {count} of {method}"), timeout))
    }

    /// Waits until a client is there that pushes would reach.
    ///
    /// # Errors
    /// When there is none after `timeout`.
    pub fn wait_connected(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.shared
            .wait(|world| world.connected().then_some(()), timeout)
            .ok_or_else(|| self.timed_out("a client that asked for updates", timeout))
    }

    /// As [`wait_connected`](Self::wait_connected), for async code.
    ///
    /// # Errors
    /// When there is none after `timeout`.
    pub async fn wait_connected_async(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.wait_async(|world| world.connected().then_some(()), timeout)
            .await
            .map_err(|_| self.timed_out("a client that asked for updates", timeout))
    }
}
