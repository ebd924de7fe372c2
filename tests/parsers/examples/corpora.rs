//! Writes the samples of every parser below a directory, as corpora for cargo-fuzz: `--example corpora DIRECTORY`.

use std::path::PathBuf;
use std::{fs, io};

use parser_properties::PARSERS;

fn main() -> io::Result<()> {
    let directory = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or_else(|| io::Error::other("name the directory of the corpora"))?;
    for parser in PARSERS {
        let corpus = directory.join(parser.name);
        fs::create_dir_all(&corpus)?;
        for (number, sample) in (parser.samples)().iter().enumerate() {
            fs::write(corpus.join(format!("sample-{number:04}")), sample)?;
        }
    }
    Ok(())
}
