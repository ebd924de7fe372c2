//! The boundaries between the modules of the root package (ARCHITECTURE.md) that the compiler does not enforce.
//!
//! The compiler enforces the boundaries of the crates, and clippy.toml refuses clocks and exits in the wrong place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules from the top to the bottom. A module names only modules of lower rows, or, where noted, of its own row.
const LAYERS: [&[&str]; 6] = [
    &["main", "lib"],
    &["cli"],
    &["app"],
    &["task"],
    // The modules of this row may name each other, except `telegram` and `store`.
    &[
        "telegram",
        "store",
        "decide",
        "exchange",
        "file_codec",
        "list_file",
        "photo",
        "python_program",
        "spool",
        "rules",
        "schedule",
        "config",
        "clock",
        "shutdown",
        "secret",
        "version",
    ],
    &["model"],
];

/// Returns the code of each file below `src`, without comments and unit tests, by its path.
fn source_files() -> BTreeMap<String, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut directories = vec![source.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("readable") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            // `fixture` serves the unit tests of `task`.
            if matches!(stem, Some("tests" | "fixture")) {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(&source).expect("below src");
                let text = fs::read_to_string(&path).expect("readable");
                files.insert(name.display().to_string(), code_of(&text));
            }
        }
    }
    files
}

/// Returns the code of a file: up to its unit tests, which come last, and without comments.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = code.unwrap_or_default().lines();
    let lines = lines.map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn words_of(code: &str) -> BTreeSet<&str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

/// Returns the top module of a file.
fn module_of(file: &str) -> &str {
    file.split(['.', '/']).next().expect("a first part")
}

/// Returns the modules of the package that a file names: `use crate::{a, b::c}` names `a` and `b`.
fn named_modules(code: &str) -> BTreeSet<&str> {
    let paths = code.match_indices("crate::").flat_map(|(at, prefix)| {
        let path = &code[at + prefix.len()..];
        path.strip_prefix('{')
            .map_or_else(|| vec![path], items_of_group)
    });
    paths
        .map(|path| {
            let path = path.trim_start();
            let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
            &path[..end.unwrap_or(path.len())]
        })
        .filter(|module| !module.is_empty())
        .collect()
}

/// Splits what follows the brace of `use crate::{` at its outermost commas.
fn items_of_group(group: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

#[test]
fn modules_name_only_modules_below_them() {
    let layer_of = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut references = 0;
    for (file, code) in source_files() {
        let module = module_of(&file);
        let layer = layer_of(module).unwrap_or_else(|| panic!("{file} is in no layer"));
        for named in named_modules(&code) {
            if named == module {
                continue;
            }
            let Some(other) = layer_of(named) else {
                // A macro or an item of lib.rs.
                panic!("{file} names {named}, which is in no layer");
            };
            assert!(
                other > layer || (other == layer && layer == 4),
                "{file} names {named}"
            );
            let pair = [module, named];
            assert!(
                !(pair.contains(&"telegram") && pair.contains(&"store")),
                "{file} names {named}"
            );
            references += 1;
        }
    }
    assert!(
        references > 200,
        "the test sees only {references} references"
    );
}

#[test]
fn sql_is_only_in_the_store() {
    const SQL: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "PRAGMA", "rusqlite"];
    let mut with_sql = BTreeSet::new();
    for (file, code) in source_files() {
        if SQL.iter().any(|word| words_of(&code).contains(word)) {
            with_sql.insert(module_of(&file).to_owned());
        }
    }
    assert_eq!(with_sql, BTreeSet::from(["store".to_owned()]));
}

#[test]
fn decisions_touch_neither_clock_nor_disk_nor_runtime() {
    const PURE: [&str; 5] = ["decide", "exchange", "schedule", "model", "rules"];
    const IMPURE: [&str; 14] = [
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
        "Clock",
        "async",
        "await",
        "getrandom",
    ];
    let mut modules = BTreeSet::new();
    for (file, code) in source_files() {
        let module = module_of(&file);
        if PURE.contains(&module) {
            modules.insert(module.to_owned());
            let words = words_of(&code);
            let found: Vec<_> = IMPURE.iter().filter(|word| words.contains(*word)).collect();
            assert!(found.is_empty(), "{file} has {found:?}");
        }
    }
    assert_eq!(modules.len(), PURE.len());
}
