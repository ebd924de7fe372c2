//! docs/fleet.md: each envelope of AVATAR is one that the program posts, and each order one that it accepts.

use std::collections::BTreeSet;

use fleet_exchange::{Envelope, format_data};
use scp_079_avatar::config::Dialect;
use scp_079_avatar::exchange::orders::{Classified, classify};
use scp_079_avatar::exchange::reports::{self, Asker, StatusKind};
use scp_079_avatar::model::{ChannelId, MessageId, UserId};

use super::page;

const TEST: i64 = -1_001_600_000_099;

/// Returns the reports that the page shows, as the program writes them.
fn reports_of_the_program() -> BTreeSet<String> {
    let asker = |message_id| Asker {
        admin_id: 12_345_678,
        message_id,
    };
    let channel = |id| ChannelId::from_bot_api(id).expect("a channel");
    let [classic, current] = [Dialect::Classic, Dialect::Current];
    let version = |dialect| reports::version(dialect, asker(123), Some(channel(TEST))).envelope;
    BTreeSet::from([
        version(classic),
        version(current),
        reports::avatar(
            channel(-1_001_600_000_011),
            UserId::new(6_500_000_044),
            MessageId::new(57),
        ),
        reports::status(classic, StatusKind::Awake, false),
        reports::status(current, StatusKind::Awake, false),
        reports::backup(classic, "user_ids"),
        reports::backup(current, "user_ids"),
        reports::count("nm_words"),
        reports::status_reply(asker(124)),
    ])
}

#[test]
fn the_fleet_page_shows_envelopes_that_the_program_posts_and_accepts() {
    let page = page("fleet.md");
    let blocks = page.split("```json\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("\n```").expect("the end").0);
    let mut reports = BTreeSet::new();
    let mut orders = 0;
    for text in blocks {
        let envelope = Envelope::parse(text).expect("an envelope");
        let to: Vec<&str> = envelope.to.iter().map(String::as_str).collect();
        let Envelope {
            from,
            action,
            kind,
            data,
            ..
        } = &envelope;
        assert_eq!(format_data(from, &to, action, kind, data), text);
        if from == "AVATAR" {
            reports.insert(text.to_owned());
        } else if to.contains(&"AVATAR") {
            let classified = classify(&envelope, "AVATAR");
            assert!(matches!(classified, Classified::Order(_)), "{text}");
            orders += 1;
        } else {
            assert_eq!(to, ["EMERGENCY"]);
        }
    }
    assert_eq!(reports, reports_of_the_program());
    assert_eq!(orders, 9);
}
