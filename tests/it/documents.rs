//! The documents agree with the code: keys, outcomes, exit codes, orders, calls, tables, quoted output and links.
//!
//! Each test takes its list from the code or from the binary, and compares it with the page in docs/.

mod commands;
mod console;
mod fleet;
mod json_fields;
mod readme;
mod samples;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scp_079_avatar::config::{Config, Environment};
use scp_079_avatar::exchange::orders::markdown_table;
use scp_079_avatar::model::JoinOutcome;
use scp_079_avatar::store::Store;
use telegram_wire::PERMITTED;

const EXAMPLE: &str = include_str!("../../config.example.toml");
const README: &str = include_str!("../../README.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the text of a page in docs/.
fn page(name: &str) -> String {
    read(&root().join("docs").join(name))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns every document for people, in all directories.
fn documents() -> Vec<PathBuf> {
    let crates = fs::read_dir(root().join("crates")).expect("crates");
    let mut found: Vec<PathBuf> = crates
        .map(|entry| entry.expect("a crate").path().join("README.md"))
        .collect();
    let mut directories = vec![root().join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push(path);
            }
        }
    }
    let top = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "tests/fleet/README.md",
        "tests/sim/README.md",
    ];
    found.extend(top.map(|name| root().join(name)));
    assert!(found.len() > 40, "{found:?}");
    found
}

/// Returns the lines of a document outside of fenced code.
fn prose(text: &str) -> Vec<&str> {
    let mut in_code = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            in_code ^= is_fence;
            !in_code && !is_fence
        })
        .collect()
}

/// Returns the text of a section, without its heading, up to the next heading of the same level or above.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let (_, rest) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("there is no section {heading:?}"));
    let level = heading.bytes().take_while(|byte| *byte == b'#').count();
    let end = (1..=level)
        .filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))))
        .min();
    &rest[..end.unwrap_or(rest.len())]
}

/// Returns the cells of every table row in a text, without headings.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let is_rule = |line: &str| line.starts_with("|---");
    let lines: Vec<&str> = text.lines().collect();
    let is_row = |index: usize, line: &str| {
        let is_heading = lines.get(index + 1).is_some_and(|next| is_rule(next));
        line.starts_with('|') && !is_rule(line) && !is_heading
    };
    lines
        .iter()
        .enumerate()
        .filter(|(index, line)| is_row(*index, line))
        .map(|(_, line)| cells(line))
        .collect()
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// Returns the texts in backticks.
fn code_spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Returns the example of a configuration with the values that it requires.
fn filled_in(hide: i64) -> String {
    let hash = format!("\"{}\"", "0".repeat(32));
    let values = [
        ("api_id", "1"),
        ("api_hash", &hash),
        ("hide_channel_id", &hide.to_string()),
        ("password", "\"8 chars!\""),
    ];
    values
        .iter()
        .fold(EXAMPLE.to_owned(), |text, (key, value)| {
            let empty = format!("\n{key} = \"[DATA EXPUNGED]\"\n");
            assert_eq!(text.matches(&empty).count(), 1, "{key}");
            text.replace(&empty, &format!("\n{key} = {value}\n"))
        })
}

/// Returns the keys of each section. The remedy for an unknown key lists them.
fn configuration_keys() -> BTreeMap<String, Vec<String>> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    let unknown = "zzzzzzzzzzzzzzzzzzzz = 1";
    let lines: Vec<String> = EXAMPLE
        .lines()
        .map(|line| match line.starts_with('[') {
            true => format!("{line}\n{unknown}"),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&path, lines.join("\n")).expect("written");
    let errors = Config::load(Some(&path), &Environment::rooted(directory.path()))
        .expect_err("unknown keys")
        .to_string();
    let mut keys = BTreeMap::new();
    let mut name = String::new();
    for line in errors.lines() {
        if let Some((_, rest)) = line.split_once(": [") {
            name = rest.split(']').next().expect("a section").to_owned();
        }
        if let Some((_, known)) = line.split_once("the keys of this section are ") {
            let known = known.split(", ").map(str::to_owned).collect();
            keys.insert(name.clone(), known);
        }
    }
    assert_eq!(keys.len(), EXAMPLE.matches("\n[").count(), "{errors}");
    keys
}

#[test]
fn each_configuration_key_is_documented_with_its_default() {
    let page = page("configuration.md");
    for (name, keys) in configuration_keys() {
        let documented = section(&page, &format!("### `[{name}]`"));
        let (_, example) = EXAMPLE.split_once(&format!("\n[{name}]\n")).expect("there");
        let example = example.split("\n[").next().expect("a section");
        let rows = rows(documented);
        let mut known = BTreeSet::new();
        for key in keys {
            if key.ends_with("_file") {
                let sources = section(&page, "## Secrets");
                assert!(code_spans(sources).contains(&key.as_str()), "{key}");
                assert!(EXAMPLE.contains(&key), "{key} is not in the example");
                continue;
            }
            let row = rows
                .iter()
                .find(|row| code_spans(row[0]).contains(&key.as_str()))
                .unwrap_or_else(|| panic!("[{name}] {key} is not in docs/configuration.md"));
            // A key whose default depends on other things is a comment in the example.
            let expected = if example.contains(&format!("\n#{key} = ")) {
                "see below".to_owned()
            } else {
                let default = example
                    .lines()
                    .find_map(|line| line.strip_prefix(&format!("{key} = ")))
                    .unwrap_or_else(|| panic!("[{name}] {key} is not in config.example.toml"));
                match default {
                    "\"[DATA EXPUNGED]\"" => "required".to_owned(),
                    default => format!("`{default}`"),
                }
            };
            assert_eq!(row[1], expected, "the default of [{name}] {key}");
            known.insert(key);
        }
        let documented = rows.iter().flat_map(|row| code_spans(row[0]));
        let unknown: Vec<&str> = documented.filter(|key| !known.contains(*key)).collect();
        assert!(unknown.is_empty(), "[{name}] has no {unknown:?}");
    }
}

#[test]
fn each_outcome_is_documented_and_the_skip_reasons_in_order() {
    let page = page("outcomes.md");
    let words = |heading: &str| -> Vec<String> {
        rows(section(&page, heading))
            .iter()
            .map(|row| row[0].trim_matches('`').to_owned())
            .collect()
    };
    let (reasons, others): (Vec<JoinOutcome>, Vec<JoinOutcome>) =
        JoinOutcome::all().partition(|outcome| matches!(outcome, JoinOutcome::Skipped(_)));
    let names = |outcomes: Vec<JoinOutcome>| outcomes.into_iter().map(|o| o.as_str().to_owned());
    assert_eq!(words("## Skip reasons"), Vec::from_iter(names(reasons)));
    assert_eq!(
        BTreeSet::from_iter(words("## Outcomes")),
        BTreeSet::from_iter(names(others))
    );
}

#[test]
fn each_exit_code_is_documented() {
    let help = Command::new(env!("CARGO_BIN_EXE_scp-079-avatar"))
        .arg("--help")
        .output()
        .expect("the binary");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let (_, codes) = help.split_once("Exit codes: ").expect("exit codes");
    let codes: BTreeSet<&str> = codes
        .split(',')
        .map(|code| code.split_whitespace().next().expect("a code"))
        .collect();
    let page = page("operations.md");
    let rows = rows(section(&page, "## Exit codes"));
    assert_eq!(BTreeSet::from_iter(rows.iter().map(|row| row[0])), codes);
}

/// Returns the text of all source files.
fn source() -> String {
    let mut source = String::new();
    let mut directories = vec![root().join("src"), root().join("crates")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                source.push_str(&read(&path));
            }
        }
    }
    source
}

#[test]
fn the_quoted_words_of_status_are_in_the_source() {
    let source = source();
    let (status, faq) = (page("status.md"), page("faq.md"));
    let states = rows(&status);
    let states = states.iter().find(|row| row[0] == "`state`");
    let problems = rows(section(&faq, "## No photos arrive. Where do I look?"));
    let problems = problems.iter().flat_map(|row| code_spans(row[0]));
    let quoted: Vec<&str> = code_spans(states.expect("the states")[1])
        .into_iter()
        .chain(problems)
        .collect();
    assert!(quoted.len() > 12, "{quoted:?}");
    for words in quoted {
        for part in words.split('…') {
            assert!(
                source.contains(part.trim()),
                "`status` does not print {part:?}"
            );
        }
    }
}

#[test]
fn the_quoted_log_lines_are_in_the_source() {
    let source = source();
    let page = page("operations.md");
    let mut checked = 0;
    for heading in [
        "## Log messages that require action",
        "## Log messages that require no action",
    ] {
        for row in rows(section(&page, heading)) {
            for line in code_spans(row[0]) {
                checked += 1;
                for part in line.split('…') {
                    assert!(source.contains(part), "no log line contains {part:?}");
                }
            }
        }
    }
    assert!(checked > 60, "{checked} lines");
}

#[test]
fn the_documented_table_of_orders_is_generated() {
    let page = page("exchange.md");
    let table = page
        .split_once("<!-- orders -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /orders -->"))
        .map(|(table, _)| table.trim())
        .expect("the markers");
    let expected = markdown_table();
    assert!(
        table == expected.trim(),
        "docs/exchange.md differs; the table is\n{expected}"
    );
}

#[test]
fn each_call_to_telegram_is_documented_and_counted() {
    let page = page("promises.md");
    let cover = section(&page, "## Cover");
    let documented: BTreeSet<&str> = rows(cover)
        .iter()
        .flat_map(|row| code_spans(row[1]))
        .collect();
    assert_eq!(documented, PERMITTED.iter().copied().collect());
    let count = PERMITTED.len();
    assert!(cover.contains(&format!("a closed list of {count} methods")));
    assert!(README.contains(&format!("can make {count} calls")));
}

#[test]
fn each_table_of_state_db_is_documented() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("state.db");
    drop(Store::open(&path).expect("a database"));
    let database = rusqlite::Connection::open(&path).expect("a database");
    let page = page("state-db.md");
    let mut columns = database
        .prepare(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables
             JOIN pragma_table_info(tables.name) AS columns
             WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'",
        )
        .expect("a query");
    let columns: Vec<(String, String)> = columns
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("rows")
        .map(|row| row.expect("a row"))
        .collect();
    assert!(columns.len() > 50, "{columns:?}");
    for (table, column) in columns {
        // The key and value of `settings` are documented in words.
        let is_described = table == "settings"
            || code_spans(section(&page, &format!("## {table}"))).contains(&column.as_str());
        assert!(is_described, "{table}.{column} is not in docs/state-db.md");
    }
}

#[test]
fn each_link_points_to_a_file_and_a_heading() {
    let mut checked = 0;
    for document in documents() {
        let text = read(&document);
        let text = prose(&text).join("\n");
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().expect("a target");
            if target.contains("://") {
                continue;
            }
            checked += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match file {
                "" => document.clone(),
                file => document.parent().expect("a directory").join(file),
            };
            let shown = document.display();
            assert!(path.exists(), "{shown} links to {target}");
            if !heading.is_empty() {
                let anchors = anchors(&read(&path));
                assert!(anchors.contains(heading), "{shown} links to {target}");
            }
        }
    }
    assert!(checked > 80, "{checked} links");
}

/// Returns the anchors of a document's headings, as forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .into_iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn the_documents_refer_to_nothing_outside_the_repository() {
    for document in documents() {
        let text = read(&document);
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        assert!(words.all(|word| word != "SPEC"), "{}", document.display());
    }
}

#[test]
fn each_decision_has_the_same_headings_and_ten_lines() {
    let decisions = documents();
    let decisions = decisions
        .iter()
        .filter(|path| path.parent().is_some_and(|p| p.ends_with("decisions")));
    for (index, path) in decisions.collect::<BTreeSet<_>>().into_iter().enumerate() {
        let text = read(path);
        let shown = path.display();
        let (headings, lines): (Vec<&str>, Vec<&str>) = text
            .lines()
            .filter(|line| !line.is_empty())
            .partition(|line| line.starts_with('#'));
        let number = format!("{:04}", index + 1);
        assert!(headings[0].starts_with(&format!("# {number}: ")), "{shown}");
        let name = path.file_name().map(|name| name.to_string_lossy());
        assert!(
            name.is_some_and(|name| name.starts_with(&number)),
            "{shown}"
        );
        let sections = ["## Context", "## Decision", "## Consequences"];
        assert_eq!(headings[1..], sections, "{shown}");
        assert!(lines.len() <= 10, "{shown} has {} lines", lines.len());
    }
}

#[test]
fn the_readme_and_the_architecture_are_short() {
    assert!(README.len() <= 12_288, "{} bytes", README.len());
    let architecture = read(&root().join("ARCHITECTURE.md"));
    assert!(architecture.len() <= 16_384, "{} bytes", architecture.len());
}

#[test]
fn the_pinned_compiler_is_the_oldest_that_the_documents_promise() {
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    let toolchain: toml::Table =
        toml::from_str(&read(&root().join("rust-toolchain.toml"))).expect("TOML");
    let pinned = toolchain["toolchain"]["channel"].as_str().expect("text");
    let patch = pinned.strip_prefix(&format!("{oldest}."));
    let is_exact = patch.is_some_and(|patch| patch.parse::<u32>().is_ok());
    assert!(is_exact, "{pinned} is not a release of {oldest}");
    for name in ["README.md", "CONTRIBUTING.md"] {
        let text = read(&root().join(name));
        let promised = text.split_once("Rust ").expect(name).1;
        let promised = promised.split(' ').next().expect("a version");
        assert_eq!(promised, oldest, "{name}");
    }
}
