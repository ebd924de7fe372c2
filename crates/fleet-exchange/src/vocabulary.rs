//! The actions of the fleet and the types of each.
//!
//! With them a bot tells an order that another bot obeys from words that no bot uses.

/// All actions, each with its types.
pub const VOCABULARY: [(&str, &[&str]); 15] = [
    ("add", &["bad", "except", "watch", "score", "white"]),
    ("remove", &["bad", "except", "watch", "score", "white"]),
    ("appeal", &["request", "reply"]),
    (
        "backup",
        &[
            "auto", "data", "hide", "info", "now", "pickle", "rollback", "start", "status", "stop",
        ],
    ),
    ("clear", &["bad", "except", "user", "watch", "white"]),
    ("config", &["ask", "commit", "reply", "show"]),
    ("declare", &["ban", "delete"]),
    ("flood", &["delete", "score", "status"]),
    ("help", &["ban", "delete", "list", "report", "send"]),
    (
        "join",
        &["approve", "reject", "request", "status", "update"],
    ),
    ("leave", &["approve", "info", "request"]),
    ("regex", &["count", "update"]),
    ("status", &["ask", "reply"]),
    (
        "update",
        &[
            "avatar", "declare", "download", "preview", "refresh", "reload", "score", "status",
        ],
    ),
    ("version", &["ask", "reply"]),
];

/// Finds an action and its type in [`VOCABULARY`].
///
/// The result has the vocabulary's own copies of the two words, so that a log line with them cannot contain
/// text of another author.
#[must_use]
pub fn find(action: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    let (action, kinds) = VOCABULARY.iter().find(|(known, _)| *known == action)?;
    let kind = kinds.iter().find(|known| **known == kind)?;
    Some((action, kind))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_type_belongs_to_its_action() {
        assert_eq!(find("update", "avatar"), Some(("update", "avatar")));
        assert_eq!(find("regex", "avatar"), None);
        assert_eq!(find("Update", "avatar"), None);
        assert_eq!(find("", ""), None);
    }

    #[test]
    fn every_documented_call_is_in_the_vocabulary() {
        for fixture in [
            include_str!("../tests/fixtures/exchange.json"),
            include_str!("../tests/fixtures/exchange-more.json"),
        ] {
            let calls: Vec<Value> = serde_json::from_str(fixture).unwrap();
            for call in calls {
                let (action, kind) = (&call["action"], &call["action_type"]);
                let found = find(action.as_str().unwrap(), kind.as_str().unwrap());
                assert!(found.is_some(), "{action} {kind}");
            }
        }
    }
}
