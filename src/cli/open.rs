//! `open`: opens a sealed file.

use std::fs::File;
use std::io::{BufReader, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use super::Failure;
use crate::config::Config;
use crate::files::{self, Kind, Opener};

/// What `open` is told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The sealed file
    file: PathBuf,
    /// Where to write what is in it; without it, standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

/// Opens the file with the configuration's password. Nothing is written unless all of it is whole.
pub(super) fn run(config: &Config, arguments: &Arguments) -> Result<(), Failure> {
    let about = |error: &dyn std::fmt::Display| {
        Failure::new(1, format!("{}: {error}", arguments.file.display()))
    };
    let file = File::open(&arguments.file).map_err(|error| about(&error))?;
    let mut file = BufReader::new(file);
    let head = std::io::BufRead::fill_buf(&mut file).map_err(|error| about(&error))?;
    if Kind::of(head) == Kind::AesCrypt {
        return Err(about(
            &"an AES Crypt file, as the Python fleet writes them: this version opens sealed files only",
        ));
    }
    let mut opener = Opener::new(&SecretString::from(config.encrypt.password.expose()));
    if let Some(output) = &arguments.output {
        return files::open_to(&mut opener, file, output)
            .map(|_| ())
            .map_err(|error| about(&error));
    }
    let plain = files::open_whole(&mut opener, file).map_err(|error| about(&error))?;
    let mut out = std::io::stdout().lock();
    if out.is_terminal() && plain.contains(&0) {
        return Err(about(
            &"what is in it is not text: name a file to write it to, with `-o OUT`",
        ));
    }
    out.write_all(&plain)
        .and_then(|()| out.flush())
        .map_err(|error| about(&error))
}
