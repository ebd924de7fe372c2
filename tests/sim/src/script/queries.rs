//! Reads of the recorded calls and posts, and waits for them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Simulator, TimedOut};
use crate::record::{Call, Post};
use crate::world::Device;

impl Simulator {
    /// Returns every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.read(|world| world.calls.clone())
    }

    /// Returns the calls of one method, for instance `"upload.getFile"`, oldest first.
    ///
    /// # Panics
    /// If the simulator has no such method.
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        self.shared
            .read(|world| world.calls_of(method).cloned().collect())
    }

    /// Returns the times of all calls by method, oldest first, on the scale of
    /// [`World::elapsed`](crate::World::elapsed).
    pub fn call_times(&self) -> BTreeMap<&'static str, Vec<Duration>> {
        self.shared.read(crate::World::call_times)
    }

    /// Returns descriptions of unknown calls, violations of the protocol and invalid arguments of a test.
    pub fn failures(&self) -> Vec<String> {
        self.shared.read(|world| world.failures.clone())
    }

    /// Returns the messages of a chat without its service messages, oldest first.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn posts(&self, chat: i64) -> Vec<Post> {
        self.shared.read(|world| world.posts(chat))
    }

    /// Returns the posts of the account in all chats, with the chats' ids.
    pub fn posts_by_account(&self) -> Vec<(i64, Post)> {
        self.shared.read(|world| {
            world
                .chats
                .iter()
                .flat_map(|(id, chat)| chat.posts(world, 0).into_iter().map(|post| (*id, post)))
                .filter(|(_, post)| post.by_account)
                .collect()
        })
    }

    /// Returns whether a client is connected that has asked for updates.
    pub fn connected(&self) -> bool {
        self.shared.read(crate::World::connected)
    }

    /// Returns a channel's present `pts`.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn pts(&self, chat: i64) -> i32 {
        self.shared.read(|world| world.pts(chat))
    }

    /// Returns when a member joined, in seconds since 1970, or `None` for other users.
    ///
    /// # Panics
    /// If there is no such chat.
    pub fn join_date(&self, group: i64, user: i64) -> Option<i32> {
        self.shared.read(|world| world.join_date(group, user))
    }

    /// Returns the distinct devices that clients have described in `initConnection`.
    pub fn devices(&self) -> Vec<Device> {
        self.shared.read(crate::World::devices)
    }

    /// Waits until a chat has at least `count` posts, and returns them all.
    ///
    /// # Errors
    /// If there are fewer after `timeout`.
    pub fn wait_for_posts(
        &self,
        chat: i64,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Post>, TimedOut> {
        self.shared
            .wait(
                |world| (world.count_posts(chat) >= count).then(|| world.posts(chat)),
                timeout,
            )
            .ok_or_else(|| self.timed_out(&format!("post number {count} in {chat}"), timeout))
    }

    /// Waits like [`wait_for_posts`](Self::wait_for_posts), for async code.
    ///
    /// # Errors
    /// If there are fewer after `timeout`.
    pub async fn wait_for_posts_async(
        &self,
        chat: i64,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Post>, TimedOut> {
        self.wait_async(
            |world| (world.count_posts(chat) >= count).then(|| world.posts(chat)),
            timeout,
        )
        .await
        .map_err(|_| self.timed_out(&format!("post number {count} in {chat}"), timeout))
    }

    /// Waits until a method was called `count` times, whether or not the calls are done; returns the last of them.
    ///
    /// # Errors
    /// If it was called less often after `timeout`.
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

    /// Waits like [`wait_for_call`](Self::wait_for_call), for async code.
    ///
    /// # Errors
    /// If it was called less often after `timeout`.
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

    /// Waits until a client is connected that has asked for updates.
    ///
    /// # Errors
    /// If there is none after `timeout`.
    pub fn wait_for_connection(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.shared
            .wait(|world| world.connected().then_some(()), timeout)
            .ok_or_else(|| self.timed_out("a client that asked for updates", timeout))
    }

    /// Waits like [`wait_for_connection`](Self::wait_for_connection), for async code.
    ///
    /// # Errors
    /// If there is none after `timeout`.
    pub async fn wait_for_connection_async(&self, timeout: Duration) -> Result<(), TimedOut> {
        self.wait_async(|world| world.connected().then_some(()), timeout)
            .await
            .map_err(|_| self.timed_out("a client that asked for updates", timeout))
    }
}
