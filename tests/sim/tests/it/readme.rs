//! The list of faults in README.md agrees with the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use telegram_sim::{Options, UserSpec};

/// The methods of `Simulator` that are no faults.
const ORDINARY: [&str; 57] = [
    "add_account",
    "add_channel",
    "add_group",
    "add_groups",
    "add_member",
    "add_members",
    "add_user",
    "address",
    "age_chat",
    "call_times",
    "calls",
    "calls_of",
    "connected",
    "devices",
    "edit_message",
    "failures",
    "forward",
    "join",
    "join_date",
    "join_many",
    "key",
    "key_of",
    "leave",
    "logged_in",
    "me",
    "owner",
    "photo_bytes",
    "photo_id",
    "post",
    "posts",
    "posts_by_account",
    "pts",
    "public_key",
    "publish_addresses",
    "push_user",
    "read",
    "scan_login_token",
    "send_message",
    "send_private_message",
    "set_admin",
    "set_dialog_date",
    "set_join_date",
    "set_login",
    "set_name",
    "set_photo",
    "start",
    "wait",
    "wait_async",
    "wait_for_call",
    "wait_for_call_async",
    "wait_for_connection",
    "wait_for_connection_async",
    "wait_for_posts",
    "wait_for_posts_async",
    "write_session",
    "write_session_of",
    "write_session_unauthorized",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Returns the names after `prefix` on the lines of `source` with this indentation.
fn names<'s>(source: &'s str, prefix: &str) -> impl Iterator<Item = &'s str> {
    source.lines().filter_map(move |line| {
        let name = line.strip_prefix(prefix)?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
        Some(&name[..end.unwrap_or(name.len())])
    })
}

/// Returns the block of an item, from its first line to the brace that closes it.
fn block<'s>(source: &'s str, start: &str) -> &'s str {
    let (_, rest) = source.split_once(&format!("\n{start} {{\n")).unwrap();
    rest.split_once("\n}\n").unwrap().0
}

/// Returns the methods of `Simulator`.
fn methods() -> BTreeSet<String> {
    let scripts = fs::read_dir(root().join("src/script")).unwrap();
    let mut paths: Vec<PathBuf> = scripts.map(|entry| entry.unwrap().path()).collect();
    paths.push(root().join("src/script.rs"));
    let mut found = BTreeSet::new();
    for path in paths {
        let source = fs::read_to_string(path).unwrap();
        for prefix in ["    pub fn ", "    pub async fn "] {
            found.extend(names(&source, prefix).map(str::to_owned));
        }
    }
    assert!(found.len() > 60, "{found:?}");
    found
}

/// Returns the variants of an enum, as `Name::Variant`.
fn variants(path: &str, name: &str) -> Vec<String> {
    let source = read(path);
    let variants = names(block(&source, &format!("pub enum {name}")), "    ");
    let variants = variants.filter(|variant| !variant.is_empty());
    let found: Vec<String> = variants
        .map(|variant| format!("{name}::{variant}"))
        .collect();
    assert!(found.len() > 1, "{found:?}");
    found
}

/// Returns the methods that describe a user or a photo, as `Name::method()`.
fn descriptions(name: &str) -> Vec<String> {
    let source = read("src/options.rs");
    let names = names(block(&source, &format!("impl {name}")), "    pub fn ");
    names.map(|method| format!("{name}::{method}()")).collect()
}

/// Returns the options with their defaults. An option that is missing here does not compile.
fn options() -> BTreeMap<String, String> {
    let Options {
        seed,
        rsa_key,
        photo_size,
        photo_quality,
        latest_push,
        longest_difference,
        too_long_beyond_limit,
        too_long_messages,
        flood_limits,
        participants_count_in_chats,
        keep_bodies,
    } = Options::default();
    [
        ("seed", format!("{seed:?}")),
        ("rsa_key", format!("{rsa_key:?}")),
        ("photo_size", format!("{photo_size:?}")),
        ("photo_quality", format!("{photo_quality:?}")),
        ("latest_push", format!("{latest_push:?}")),
        ("longest_difference", format!("{longest_difference:?}")),
        (
            "too_long_beyond_limit",
            format!("{too_long_beyond_limit:?}"),
        ),
        ("too_long_messages", format!("{too_long_messages:?}")),
        ("flood_limits", format!("{flood_limits:?}")),
        (
            "participants_count_in_chats",
            format!("{participants_count_in_chats:?}"),
        ),
        ("keep_bodies", format!("{keep_bodies:?}")),
    ]
    .map(|(name, value)| (format!("Options::{name}"), value))
    .into()
}

/// A row of the tables: the names in the column "Interface", and the column "Default".
struct Row {
    names: Vec<String>,
    default: String,
}

fn rows(readme: &str) -> Vec<Row> {
    let lines = readme.lines();
    let cells = lines.filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        (cells[1] != "Interface" && !cells[0].starts_with('-')).then_some(cells)
    });
    let rows = cells.map(|cells| Row {
        names: code_spans(cells[1]),
        default: cells[2].to_owned(),
    });
    rows.collect()
}

fn code_spans(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

#[test]
fn each_fault_is_listed_with_its_default_and_each_listed_name_exists() {
    let readme = read("README.md");
    let (methods, options, rows) = (methods(), options(), rows(&readme));
    for method in ORDINARY {
        assert!(methods.contains(method), "there is no method {method}");
    }
    let faults = methods
        .iter()
        .filter(|method| !ORDINARY.contains(&method.as_str()));
    let required: BTreeSet<String> = variants("src/fault.rs", "Fault")
        .into_iter()
        .chain(options.keys().cloned())
        .chain(faults.map(|method| format!("{method}()")))
        .collect();
    let mut known = required.clone();
    known.extend(variants("src/world/link.rs", "Framing"));
    known.extend(variants("src/key_exchange.rs", "KeyExchangeFault"));
    known.extend(variants("src/script/joins.rs", "JoinKind"));
    known.extend(variants("src/world/login.rs", "CodeKind"));
    known.extend(["UserSpec", "PhotoSpec"].into_iter().flat_map(descriptions));

    let mut listed: BTreeSet<String> = BTreeSet::new();
    for row in &rows {
        for name in &row.names {
            assert!(known.contains(name), "README.md lists {name}");
        }
        let default = row.names.iter().find_map(|name| options.get(name));
        match default {
            Some(value) => assert_eq!(row.default, format!("`{value}`"), "{:?}", row.names),
            None if row.default == "on" => assert_eq!(row.names[0], "UserSpec::min()"),
            None => assert_eq!(row.default, "off", "{:?}", row.names),
        }
        listed.extend(row.names.iter().cloned());
    }
    // The text names the methods that end faults.
    let text = readme
        .lines()
        .filter(|line| !line.starts_with('|'))
        .flat_map(code_spans);
    listed.extend(text);
    let missing: Vec<&String> = required.difference(&listed).collect();
    assert!(missing.is_empty(), "README.md does not list {missing:?}");
}

#[test]
fn users_are_min_by_default_as_the_readme_says() {
    let described = format!("{:?}", UserSpec::new("Eve"));
    assert!(
        described.contains("Min { apply_min_photo: true }"),
        "{described}"
    );
}

#[test]
fn the_readme_is_short() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 140);
    let longest = readme.lines().filter(|line| !line.starts_with('|'));
    assert!(longest.map(|line| line.chars().count()).max() <= Some(120));
}
