//! The configuration file.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use scp_079_avatar::config::{Config, Environment};

use super::Parser;
use super::samples::root;

/// A configuration file.
pub const CONFIGURATION: Parser = Parser {
    name: "configuration",
    samples: || {
        let example = fs::read_to_string(root().join("config.example.toml")).expect("the example");
        let minimal = "[telegram]\napi_id = 12345\napi_hash = \"0123456789abcdef0123456789abcdef\"\n\
                       [channels]\nhide_channel_id = -1001234567890\n\
                       [encrypt]\npassword = \"correct horse\"\n";
        let full = "[custom]\ntime_new = 60\nzh_cn = true\n[schedule]\nreset_time = \"0 22 * * *\"\n\
                    reset_day = \"1\"\n[exchange]\nfiles = \"python\"\n[log]\nlevel = \"debug\"\n";
        let unseen = format!("{minimal}[custom]\nunseen = \"skip\"\n");
        let samples = [
            example,
            minimal.to_owned(),
            format!("{minimal}{full}"),
            unseen,
        ];
        samples.map(String::into_bytes).into()
    },
    pieces: &[
        b"=",
        b"\n",
        b"[",
        b"]",
        b"[[",
        b"\"",
        b"\"\"\"",
        b"'",
        b"'''",
        b"#",
        b"{",
        b"}",
        b",",
        b"\\u0000",
        b"-1001234567890",
        b"99999999999999999999",
        b"-1",
        b"1.5",
        b"nan",
        b"true",
        b"1979-05-27",
        b"*/5 * * * *",
        b"0 0 31 2 *",
        b"first friday",
        b"\xff",
        b"\r",
        b"\0",
        b"[telegram]\n",
        b"[schedule]\n",
        b"reset_time = ",
        b"backup_time = ",
        "\u{feff}".as_bytes(),
    ],
    check,
};

/// A file is valid or has errors, each with a remedy and at a line of the file.
fn check(input: &[u8]) -> bool {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("config.toml");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(input))
        .expect("the temporary directory is writable");
    let lines = input.split(|&byte| byte == b'\n').count();
    let has_line = |line: Option<usize>| line.is_none_or(|line| (1..=lines).contains(&line));
    match Config::load(Some(&path), &Environment::rooted(directory.path())) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                assert!(has_line(warning.line), "{warning}");
            }
            assert_eq!(loaded.config.values().len(), 11);
            true
        }
        Err(errors) => {
            assert!(errors.iter().count() > 0);
            for error in errors.iter() {
                assert!(has_line(error.line), "{error}");
                assert!(
                    !error.problem.is_empty() && !error.remedy.is_empty(),
                    "{error}"
                );
            }
            false
        }
    }
}
