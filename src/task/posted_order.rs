//! Reads the posts of a private channel as orders, and splits a page of them into segments.
//!
//! The functions here are pure. `exchange::orders` decides who may give which order.

use std::ops::Range;

use fleet_exchange::Envelope;

use crate::exchange::OWN_NAME;
use crate::exchange::orders::{self, Classified, Order};
use crate::model::ChannelPost;

/// A post of another account, with a text.
pub(super) struct PostedOrder<'a> {
    pub(super) post: &'a ChannelPost,
    /// The envelope and its meaning; `None` if the text is not an envelope.
    pub(super) envelope: Option<(Envelope, Classified)>,
}

impl<'a> PostedOrder<'a> {
    /// Reads the posts of a page, in their order. Own posts and posts without a text are left out.
    pub(super) fn read_all(posts: &'a [ChannelPost]) -> Vec<Self> {
        posts
            .iter()
            .filter(|post| !post.own && !post.text.is_empty())
            .map(Self::read)
            .collect()
    }

    fn read(post: &'a ChannelPost) -> Self {
        let envelope = Envelope::parse(&post.text).ok().map(|envelope| {
            let classified = orders::classify(&envelope, OWN_NAME);
            (envelope, classified)
        });
        Self { post, envelope }
    }

    /// Returns the order, if the post is one that is to be obeyed.
    pub(super) const fn order(&self) -> Option<&Order> {
        match &self.envelope {
            Some((_, Classified::Order(order))) => Some(order),
            _ => None,
        }
    }

    pub(super) fn needs_file(&self) -> bool {
        self.order().is_some_and(Order::needs_file)
    }

    /// Reports whether the order destroys lists: files have to be written before it is carried out.
    pub(super) fn is_destructive(&self) -> bool {
        matches!(
            self.order(),
            Some(Order::Clear { .. } | Order::Rollback { .. })
        )
    }
}

/// Reports whether one of these posts needs more than the push that brought it: the file of an order, or files that
/// have to be written first. The pull of the channel prepares both.
pub(super) fn wait_for_pull(posts: &[ChannelPost]) -> bool {
    PostedOrder::read_all(posts)
        .iter()
        .any(|order| order.needs_file() || order.is_destructive())
}

/// Splits posts into segments, each of which is applied in one transaction: a destructive order begins a new one. There
/// is at least one segment, which may be empty.
pub(super) fn segments(posts: &[PostedOrder<'_>]) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let mut start = 0;
    for (index, post) in posts.iter().enumerate() {
        if post.is_destructive() && index > start {
            segments.push(start..index);
            start = index;
        }
    }
    segments.push(start..posts.len());
    segments
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::task::fixture::{envelope, post};

    #[test]
    fn a_destructive_order_begins_a_segment() {
        let add = || envelope("MANAGE", "add", "bad", &json!({"id": 5, "type": "user"}));
        let clear = || {
            let data = json!({"admin_id": 7, "type": "users"});
            envelope("MANAGE", "clear", "bad", &data)
        };
        let roll_back = || {
            let data = json!({"admin_id": 7, "type": "bad_ids"});
            envelope("MANAGE", "backup", "rollback", &data)
        };
        // A refused order needs no preparation.
        let refused = || {
            let data = json!({"admin_id": 7, "type": "users"});
            envelope("CLEAN", "clear", "bad", &data)
        };
        let chat = || "no envelope".to_owned();
        #[expect(clippy::single_range_in_vec_init, reason = "a list of one segment")]
        let table = [
            (vec![], vec![0..0]),
            (vec![add(), chat(), refused(), add()], vec![0..4]),
            (vec![clear()], vec![0..1]),
            (vec![clear(), add()], vec![0..2]),
            (vec![add(), clear(), add()], vec![0..1, 1..3]),
            (
                vec![clear(), roll_back(), chat(), clear()],
                vec![0..1, 1..3, 3..4],
            ),
        ];
        for (texts, expected) in table {
            let posts: Vec<ChannelPost> =
                (1..).zip(&texts).map(|(id, text)| post(id, text)).collect();
            assert_eq!(
                segments(&PostedOrder::read_all(&posts)),
                expected,
                "{texts:?}"
            );
        }
    }

    #[test]
    fn a_push_waits_for_the_pull_where_files_are_needed() {
        let rules = envelope("REGEX", "regex", "update", &json!("nm_words"));
        let clear = envelope(
            "MANAGE",
            "clear",
            "user",
            &json!({"admin_id": 7, "type": "all"}),
        );
        let add = envelope("MANAGE", "add", "bad", &json!({"id": 5, "type": "user"}));
        for (text, waits) in [(&rules, true), (&clear, true), (&add, false)] {
            assert_eq!(wait_for_pull(&[post(1, text)]), waits, "{text}");
            let own = ChannelPost {
                own: true,
                ..post(1, text)
            };
            assert!(!wait_for_pull(&[own]));
        }
    }
}
