//! The fleet's words (SPEC §5.2): what is no order to AVATAR can still be told from what nobody ever says.

/// Every action, with its types.
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

/// Finds an action and type, in the vocabulary's own spelling.
pub fn find((action, kind): (&str, &str)) -> Option<(&'static str, &'static str)> {
    let (action, kinds) = VOCABULARY.iter().find(|(known, _)| *known == action)?;
    let kind = kinds.iter().find(|known| **known == kind)?;
    Some((action, kind))
}
