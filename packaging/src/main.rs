//! Writes the manual pages and the shell completions of the program, from the definition of its command line.
//!
//! Usage: `packaging DIRECTORY`. The directories `man` and `completions` are made in it.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use scp_079_avatar::cli;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or("usage: packaging DIRECTORY")?;
    write_pages(&directory.join("man"))?;
    write_completions(&directory.join("completions"))?;
    Ok(())
}

/// Writes a page for the program, and a page for each of its commands.
fn write_pages(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut definition = cli::definition().disable_help_subcommand(true);
    definition.build();
    let source = format!("{} {}", definition.get_name(), env!("CARGO_PKG_VERSION"));
    let commands = definition.get_subcommands().cloned();
    for command in commands.chain([definition.clone()]) {
        let page = Man::new(command.clone())
            .manual("SCP-079-AVATAR")
            .source(&source);
        let mut file = fs::File::create(directory.join(page.get_filename()))?;
        write_page(&page, &command, &mut file)?;
    }
    Ok(())
}

/// Writes the sections in the order of man-pages(7).
fn write_page(page: &Man, command: &Command, file: &mut impl Write) -> io::Result<()> {
    page.render_title(file)?;
    page.render_name_section(file)?;
    page.render_synopsis_section(file)?;
    page.render_description_section(file)?;
    page.render_options_section(file)?;
    if command.has_subcommands() {
        page.render_subcommands_section(file)?;
    }
    if let Some(text) = command.get_after_help() {
        write_as_is(&text.to_string(), file)?;
    }
    Ok(())
}

/// Writes the text that follows the options of the help. `Man` would fill its lines, which are aligned.
fn write_as_is(text: &str, file: &mut impl Write) -> io::Result<()> {
    let mut section = Roff::new();
    section.control("SH", ["NOTES"]).control("nf", []);
    for line in text.lines() {
        section.text([roman(line)]);
    }
    section.control("fi", []);
    section.to_writer(file)
}

/// Writes the completions of the shells, under the names by which the shells find them.
fn write_completions(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut definition = cli::definition();
        let name = definition.get_name().to_owned();
        clap_complete::generate_to(shell, &mut definition, name, directory)?;
    }
    Ok(())
}
