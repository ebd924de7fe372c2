//! Every command of the program that a document, a comment or a help text shows is one that the program accepts.

use std::collections::BTreeSet;

use super::console::examples;
use super::{EXAMPLE, code_spans, documents, page, prose, read, root, rows, section};

const PROGRAM: &str = "scp-079-avatar";

/// Returns the program's arguments in a command line, unless the command is another program's.
fn arguments(command: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_program = |word: &str| word.rsplit('/').next() == Some(PROGRAM);
    // `runuser -u USER -- PROGRAM …` starts the program, too.
    let at = words.iter().position(|word| *word == "--");
    let at = at.map_or(0, |separator| separator + 1);
    if !words.get(at).copied().is_some_and(is_program) {
        return None;
    }
    // The shell takes what follows a redirection.
    let words = words[at..].iter().take_while(|word| **word != ">");
    let words = words.map(|word| match *word {
        "USER_ID" => "5079000001".to_owned(),
        "NAME" => "bad_ids".to_owned(),
        word => word.replace("%i", "main"),
    });
    Some(words.collect())
}

/// Fails unless the program's definition of its command line accepts the arguments.
#[track_caller]
fn assert_accepted(arguments: &[String], shown_in: &str) {
    let accepted = scp_079_avatar::cli::definition().try_get_matches_from(arguments);
    match accepted {
        Ok(_) => {}
        // `--help` and `--version` are errors of the parser that go to standard output.
        Err(error) if !error.use_stderr() => {}
        Err(error) => panic!("{shown_in} shows {arguments:?}: {error}"),
    }
}

#[test]
fn each_command_in_the_documents_is_accepted() {
    let mut checked = 0;
    for document in documents() {
        let text = read(&document);
        let mut commands: Vec<String> = Vec::new();
        if text.contains("```console\n") {
            commands.extend(examples(&text).into_iter().map(|example| example.command));
        }
        let prose = prose(&text).join("\n");
        commands.extend(code_spans(&prose).into_iter().map(str::to_owned));
        for arguments in commands.iter().filter_map(|command| arguments(command)) {
            // The bare name of the program is no command.
            if arguments.len() > 1 {
                checked += 1;
                assert_accepted(&arguments, &document.display().to_string());
            }
        }
    }
    assert!(checked > 15, "{checked} commands");
}

#[test]
fn tests_run_the_commands_of_each_page_that_shows_some() {
    let with_commands: BTreeSet<String> = documents()
        .into_iter()
        .filter(|path| read(path).contains("```console\n"))
        .map(|path| {
            path.strip_prefix(root())
                .expect("below")
                .display()
                .to_string()
        })
        .collect();
    // Other tests of these modules run the commands of all pages but two: those of CONTRIBUTING.md are the checks, and a
    // test of `login` runs that of docs/login.md.
    let known = [
        "CONTRIBUTING.md",
        "README.md",
        "docs/files.md",
        "docs/login.md",
        "docs/operations.md",
        "docs/state-db.md",
        "docs/status.md",
    ];
    assert_eq!(with_commands, known.map(str::to_owned).into());
}

#[test]
fn each_command_in_the_table_of_the_files_page_is_accepted() {
    let page = page("files.md");
    let rows = rows(section(&page, "## Commands"));
    assert!(rows.len() > 3, "{rows:?}");
    for command in rows.iter().flat_map(|row| code_spans(row[0])) {
        // Brackets mark arguments that may be left out.
        let full = command.replace(['[', ']'], "");
        let short = command.split('[').next().expect("a command");
        for command in [full.as_str(), short] {
            let arguments = arguments(&format!("{PROGRAM} {command}")).expect("the program");
            assert_accepted(&arguments, "docs/files.md");
        }
    }
}

#[test]
fn each_command_in_the_help_the_example_and_the_unit_is_accepted() {
    let help = scp_079_avatar::cli::definition()
        .term_width(0)
        .render_long_help()
        .to_string();
    let unit = read(&root().join("systemd/scp-079-avatar@.service"));
    for (name, text, least) in [
        ("--help", help.as_str(), 7),
        ("config.example.toml", EXAMPLE, 1),
        ("the unit", &unit, 2),
    ] {
        let mut checked = 0;
        for line in text.lines() {
            let line = line.trim_start_matches(['#', ' ']);
            let line = line.strip_prefix("ExecStart=").unwrap_or(line);
            // The help explains a command behind two spaces.
            let command = line.split("  ").next().unwrap_or_default();
            if let Some(arguments) = arguments(command) {
                checked += 1;
                assert_accepted(&arguments, name);
            }
        }
        assert!(checked >= least, "{name}: {checked} commands");
    }
}
