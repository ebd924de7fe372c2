//! `open`: opens a file of the fleet, sealed or from a Python program, and writes its content.
//!
//! The command writes nothing unless the whole file is authentic.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use fleet_files::sealed::Opener;
use fleet_files::{FileFormat, atomic_file};
use secrecy::SecretString;
use serde_json::Value as Json;

use super::terminal::{is_harmful, replace_harmful};
use super::{Failure, json};
use crate::app::{FileUse, refuse_denied};
use crate::config::Config;
use crate::file_codec::{DecodedFile, Decoder};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file: sealed, or AES Crypt as the Python programs write it
    file: PathBuf,
    /// The output file; without it, the content goes to standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace the output file, if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Print a list as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Opens the file with the password of the configuration.
pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    refuse_denied(&arguments.file, FileUse::Read)?;
    let output = arguments.output.as_deref().map(std::path::absolute);
    if let Some(directory) = output
        .and_then(Result::ok)
        .as_deref()
        .and_then(Path::parent)
    {
        super::refuse_denied_directory(directory)?;
    }
    if let Some(output) = &arguments.output {
        refuse_existing(output, arguments.force)?;
    }
    let failure =
        |error: &dyn Display| Failure::new(1, format!("{}: {error}", arguments.file.display()));
    let file = File::open(&arguments.file).map_err(|error| failure(&error))?;
    let mut file = BufReader::new(file);
    let head = std::io::BufRead::fill_buf(&mut file).map_err(|error| failure(&error))?;
    let password = SecretString::from(config.encrypt.password.expose());
    if FileFormat::detect(head) != Some(FileFormat::AesCrypt)
        && let Some(output) = &arguments.output
    {
        // A sealed file may be larger than memory, so it is streamed.
        return Opener::new(&password)
            .open_to_file(file, output)
            .map(|_| ())
            .map_err(|error| failure(&error));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| failure(&error))?;
    let decoded = Decoder::new(&password)
        .decode(&bytes)
        .map_err(|error| failure(&error))?;
    let (content, is_text) = match decoded {
        DecodedFile::Photo(image) => (image, false),
        DecodedFile::List(list) if arguments.json || arguments.output.is_some() => {
            let list = list.to_json().map_err(|error| failure(&error))?;
            (json::pretty(&list)?.into_bytes(), true)
        }
        DecodedFile::List(list) => {
            let json = list.to_json().map_err(|error| failure(&error))?;
            (list_lines(&json).into_bytes(), true)
        }
        DecodedFile::Other(plain) => {
            let is_text = str::from_utf8(&plain).is_ok_and(is_plain_text);
            (plain, is_text)
        }
    };
    if let Some(output) = &arguments.output {
        return atomic_file::write(output, &content).map_err(|error| failure(&error));
    }
    if std::io::stdout().is_terminal() && !is_text {
        return Err(failure(
            &"the content is not plain text: name an output file, with `-o OUT`",
        ));
    }
    super::print_bytes(&content)
}

/// Refuses an output file that would be overwritten.
fn refuse_existing(output: &Path, force: bool) -> Result<(), Failure> {
    if force || output.symlink_metadata().is_err() {
        return Ok(());
    }
    let reason = match output.metadata() {
        Ok(metadata) if !metadata.is_file() => "not a regular file: name another one",
        _ => "the file exists already: name another one, or replace it with --force",
    };
    let shown = output.display();
    Err(Failure::new(1, format!("{shown}: {reason}")))
}

/// Formats a list as lines: its name, and its data indented below.
fn list_lines(json: &Json) -> String {
    let mut lines = String::new();
    if let Some(name) = json["list"].as_str() {
        let _ = writeln!(lines, "{}", replace_harmful(name));
    }
    write_value(&json["data"], 1, &mut lines);
    lines
}

fn write_value(json: &Json, depth: usize, lines: &mut String) {
    let indent = "  ".repeat(depth);
    // Writing to a String cannot fail.
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(lines, "{indent}{text}");
    };
    match json {
        Json::Object(map) if map.is_empty() => line(format_args!("(none)")),
        Json::Array(members) if members.is_empty() => line(format_args!("(none)")),
        Json::Object(map) => {
            for (key, value) in map {
                match value {
                    Json::Object(_) | Json::Array(_) => {
                        let _ = writeln!(lines, "{indent}{}:", replace_harmful(key));
                        write_value(value, depth + 1, lines);
                    }
                    plain => {
                        let _ =
                            writeln!(lines, "{indent}{}: {}", replace_harmful(key), scalar(plain));
                    }
                }
            }
        }
        Json::Array(members) if members.iter().any(Json::is_object) => {
            for member in members {
                let words: Vec<String> = member
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| format!("{} {}", replace_harmful(key), scalar(value)))
                    .collect();
                let _ = writeln!(lines, "{indent}{}", words.join(", "));
            }
        }
        Json::Array(members) => {
            for member in members {
                let _ = writeln!(lines, "{indent}{}", scalar(member));
            }
        }
        plain => line(format_args!("{}", scalar(plain))),
    }
}

/// Formats a value of a list. Foreign text cannot break the line or control the terminal.
fn scalar(json: &Json) -> String {
    replace_harmful(
        &json
            .as_str()
            .map_or_else(|| json.to_string(), str::to_owned),
    )
}

/// Reports whether a terminal can show this text.
fn is_plain_text(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\n' | '\r' | '\t') || !is_harmful(c))
}
