//! Errors and warnings about a configuration file.
//!
//! A finding names the file, line, section and key, the problem, and what to write instead. It
//! never quotes the value of a secret. This module knows no keys.

use std::fmt;
use std::path::{Path, PathBuf};

/// One error or warning about the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    pub file: Option<PathBuf>,
    /// The line, counted from 1. For a missing key, the line of its section.
    pub line: Option<usize>,
    /// The column, counted from 1 in characters. Only syntax errors have one.
    pub column: Option<usize>,
    /// The section, without brackets.
    pub section: Option<String>,
    pub key: Option<String>,
    pub problem: String,
    /// The text to write, or the step to take, instead.
    pub remedy: String,
    /// True for a warning about a valid choice, which `check` prints and the other commands do not repeat.
    pub is_advice: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        match (&self.section, &self.key) {
            (Some(section), Some(key)) => write!(f, "[{section}] {key}: ")?,
            (Some(section), None) => write!(f, "[{section}]: ")?,
            (None, Some(key)) => write!(f, "{key}: ")?,
            (None, None) => {}
        }
        write!(f, "{}\n    {}", self.problem, self.remedy)
    }
}

/// All errors of a configuration: those of whole sections, then the others, in the order of the file.
///
/// The list is never empty. `Display` prints one block per error and ends without a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Finding>);

impl ConfigErrors {
    pub(super) fn one(finding: Finding) -> Self {
        Self(vec![finding])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration cannot be used:")?,
            many => write!(f, "the configuration cannot be used, for {many} reasons:")?,
        }
        for finding in &self.0 {
            write!(f, "\n{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects the findings while one file is read.
#[derive(Debug)]
pub(super) struct Findings {
    file: PathBuf,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

impl Findings {
    pub(super) fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn error(&mut self, finding: Finding) {
        self.errors.push(self.in_file(finding));
    }

    pub(super) fn warning(&mut self, finding: Finding) {
        self.warnings.push(self.in_file(finding));
    }

    /// Drops the findings about keys of other sections than these, except for syntax errors.
    pub(super) fn keep_only(&mut self, sections: &[&str]) {
        let is_kept = |finding: &Finding| {
            let section = finding.section.as_deref();
            finding.key.is_none()
                || finding.column.is_some()
                || section.is_some_and(|section| sections.contains(&section))
        };
        self.errors.retain(is_kept);
        self.warnings.retain(is_kept);
    }

    fn in_file(&self, finding: Finding) -> Finding {
        Finding {
            file: Some(self.file.clone()),
            ..finding
        }
    }

    /// Returns the warnings if there was no error, else the errors.
    pub(super) fn finish(mut self) -> Result<Vec<Finding>, ConfigErrors> {
        // An unknown section explains the errors of its keys, so sections come first.
        let position = |finding: &Finding| {
            let is_section = finding.section.is_some() && finding.key.is_none();
            let first = is_section && finding.column.is_none();
            (!first, finding.line, finding.column)
        };
        self.warnings.sort_by_key(position);
        self.errors.sort_by_key(position);
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(ConfigErrors(self.errors))
        }
    }
}
