//! The rules of the layout, read from the source: which room may say what (ARCHITECTURE.md).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The source files by their path below `src`, without comments and without their unit tests.
fn rooms() -> BTreeMap<String, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms = BTreeMap::new();
    let mut directories = vec![source.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("readable") {
            let path = entry.expect("a file").path();
            let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
            if is_test {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&source).expect("below src");
                let text = fs::read_to_string(&path).expect("readable");
                rooms.insert(name.display().to_string(), bare(&text));
            }
        }
    }
    assert!(rooms.len() > 30, "{:?}", rooms.keys());
    rooms
}

/// A file's code: up to its unit tests, which come last, and without comments.
fn bare(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    code.unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.split(" // ").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The words of a text: what stands between all that can be in no name.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

fn belongs_to(room: &str, module: &str) -> bool {
    room == format!("{module}.rs") || room.starts_with(&format!("{module}/"))
}

/// Returns the rooms, other than those of `allowed`, in whose code a word begins with `prefix`.
fn say(prefix: &str, allowed: &[&str]) -> Vec<String> {
    rooms()
        .into_iter()
        .filter(|(room, _)| !allowed.iter().any(|module| belongs_to(room, module)))
        .filter(|(_, text)| words(text).iter().any(|word| word.starts_with(prefix)))
        .map(|(room, _)| room)
        .collect()
}

/// Returns which of the crate's own modules a room names.
fn names(text: &str) -> BTreeSet<String> {
    // `use crate::{a, b::c}` names a and b; `crate::a::b` names a.
    let mut named = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => named.extend([std::mem::take(&mut word)]),
                    c if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            named.insert(word);
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            named.insert(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    named
        .iter()
        .filter_map(|name| name.trim().split("::").next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn sql_is_said_in_the_store_alone() {
    assert_eq!(say("rusqlite", &["store"]), Vec::<String>::new());
    assert!(!say("rusqlite", &[]).is_empty(), "the rule sees nothing");
    for (room, text) in rooms() {
        let sql = ["SELECT", "INSERT", "UPDATE", "DELETE", "PRAGMA"];
        let words = words(&text);
        let says = sql.into_iter().find(|word| words.contains(word));
        assert!(
            belongs_to(&room, "store") || says.is_none(),
            "{room} says {says:?}"
        );
    }
}

#[test]
fn decisions_touch_neither_clock_nor_disk_nor_runtime() {
    let pure = ["decide", "exchange", "schedule", "model", "rules"];
    let mut seen = 0;
    for (room, text) in rooms() {
        if !pure.iter().any(|module| belongs_to(&room, module)) {
            continue;
        }
        seen += 1;
        let words = words(&text);
        let forbidden = [
            "tokio",
            "tokio_util",
            "fs",
            "io",
            "net",
            "env",
            "process",
            "thread",
            "SystemTime",
            "Instant",
            "UNIX_EPOCH",
            "Clock",
            "async",
            "await",
            "getrandom",
        ];
        for word in forbidden {
            assert!(!words.contains(word), "{room} says {word}");
        }
        let own = names(&text);
        let below = [
            "config", "decide", "exchange", "model", "rules", "schedule", "version",
        ];
        let above: Vec<_> = own
            .iter()
            .filter(|name| !below.contains(&name.as_str()))
            .collect();
        assert!(above.is_empty(), "{room} names {above:?}");
    }
    assert!(seen >= 5, "the rule sees nothing");
}

#[test]
fn nobody_names_a_room_above_its_own() {
    // main → cli → app → task → {telegram, store, …} → model; each with what it may not name.
    let above: [(&str, &[&str]); 14] = [
        ("app", &["cli"]),
        ("task", &["cli", "app"]),
        ("telegram", &["cli", "app", "task", "store"]),
        ("store", &["cli", "app", "task", "telegram"]),
        ("decide", &["cli", "app", "task", "telegram", "store"]),
        ("exchange", &["cli", "app", "task", "telegram", "store"]),
        ("file_codec", &["cli", "app", "task", "telegram", "store"]),
        ("list_file", &["cli", "app", "task", "telegram", "store"]),
        ("photo", &["cli", "app", "task", "telegram", "store"]),
        ("spool", &["cli", "app", "task", "telegram", "store"]),
        ("config", &["cli", "app", "task", "telegram", "store"]),
        ("clock", &["cli", "app", "task", "telegram", "store"]),
        ("shutdown", &["cli", "app", "task", "telegram", "store"]),
        ("secret", &["cli", "app", "task", "telegram", "store"]),
    ];
    for (room, text) in rooms() {
        let named = names(&text);
        let module = room.split(['.', '/']).next().expect("a name");
        let rule = above.iter().find(|(name, _)| *name == module);
        for forbidden in rule.map_or(&[] as &[&str], |(_, forbidden)| forbidden) {
            assert!(!named.contains(*forbidden), "{room} names {forbidden}");
        }
        let known = ["main", "lib", "cli", "model", "version"];
        assert!(
            rule.is_some() || known.contains(&module) || ["rules", "schedule"].contains(&module),
            "{room} has no place in this test's order of rooms"
        );
        if module == "model" {
            assert!(
                named.iter().all(|name| name == "model"),
                "{room} names {named:?}"
            );
        }
    }
    let task = &rooms()["task.rs"];
    assert!(names(task).contains("telegram"), "the rule sees nothing");
}

#[test]
fn time_is_read_in_one_room() {
    let mut readers = BTreeSet::new();
    for (room, text) in rooms() {
        for clock in [
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
        ] {
            if text.contains(clock) {
                readers.insert(room.clone());
            }
        }
    }
    assert_eq!(readers, BTreeSet::from(["clock.rs".to_owned()]));
}

#[test]
fn only_main_exits_and_only_cli_prints() {
    for (room, text) in rooms() {
        assert!(!text.contains("process::exit"), "{room} exits");
        let prints = ["println!", "eprintln!", "print!(", "eprint!(", "io::stdout"];
        for print in prints.iter().filter(|_| !belongs_to(&room, "cli")) {
            assert!(!text.contains(print), "{room} prints by {print}");
        }
    }
}
