//! `open`: opens a file of the fleet's, sealed or Python's, and shows what is in it.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use fleet_files::sealed::Opener;
use fleet_files::{FileFormat, atomic_file};
use secrecy::SecretString;
use serde_json::Value as Json;

use super::Failure;
use crate::config::Config;
use crate::file_codec::{DecodedFile, Decoder};

/// What `open` is told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file: sealed, or AES Crypt as the Python fleet writes it
    file: PathBuf,
    /// Where to write what is in it; without it, standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Print a list as JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Opens the file with the configuration's password. Nothing is written unless all of it is whole.
pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let about =
        |error: &dyn Display| Failure::new(1, format!("{}: {error}", arguments.file.display()));
    let file = File::open(&arguments.file).map_err(|error| about(&error))?;
    let mut file = BufReader::new(file);
    let head = std::io::BufRead::fill_buf(&mut file).map_err(|error| about(&error))?;
    let password = SecretString::from(config.encrypt.password.expose());
    if FileFormat::detect(head) != Some(FileFormat::AesCrypt)
        && let Some(output) = &arguments.output
    {
        // Streamed: a sealed file may be larger than memory.
        return Opener::new(&password)
            .open_to_file(file, output)
            .map(|_| ())
            .map_err(|error| about(&error));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| about(&error))?;
    let decoded = Decoder::new(&password)
        .decode(&bytes)
        .map_err(|error| about(&error))?;
    let (shown, is_text) = match decoded {
        DecodedFile::Photo(image) => (image, false),
        DecodedFile::List(list) if arguments.json || arguments.output.is_some() => {
            let json = list.to_json().map_err(|error| about(&error))?;
            (format!("{json:#}\n").into_bytes(), true)
        }
        DecodedFile::List(list) => {
            let json = list.to_json().map_err(|error| about(&error))?;
            (readable(&json).into_bytes(), true)
        }
        DecodedFile::Other(plain) => {
            let is_text = !plain.contains(&0);
            (plain, is_text)
        }
    };
    if let Some(output) = &arguments.output {
        return atomic_file::write(output, &shown).map_err(|error| about(&error));
    }
    let mut out = std::io::stdout().lock();
    if out.is_terminal() && !is_text {
        return Err(about(
            &"what is in it is not text: name a file to write it to, with `-o OUT`",
        ));
    }
    out.write_all(&shown)
        .and_then(|()| out.flush())
        .map_err(|error| about(&error))
}

/// Shows a list as lines: a name, and what is under it, indented.
fn readable(json: &Json) -> String {
    let mut lines = String::new();
    if let Some(name) = json["list"].as_str() {
        let _ = writeln!(lines, "{name}");
    }
    show(&json["data"], 1, &mut lines);
    lines
}

fn show(json: &Json, depth: usize, lines: &mut String) {
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
                        let _ = writeln!(lines, "{indent}{key}:");
                        show(value, depth + 1, lines);
                    }
                    plain => {
                        let _ = writeln!(lines, "{indent}{key}: {}", word(plain));
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
                    .map(|(key, value)| format!("{key} {}", word(value)))
                    .collect();
                let _ = writeln!(lines, "{indent}{}", words.join(", "));
            }
        }
        Json::Array(members) => {
            for member in members {
                let _ = writeln!(lines, "{indent}{}", word(member));
            }
        }
        plain => line(format_args!("{}", word(plain))),
    }
}

fn word(json: &Json) -> String {
    json.as_str()
        .map_or_else(|| json.to_string(), str::to_owned)
}
