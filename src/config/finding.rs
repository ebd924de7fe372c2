//! What is wrong with a configuration, said so that it can be put right.
//!
//! Owns the form of an error and of a warning: file, line, section, key, what is wrong, what to
//! write instead. Refuses to know any key. A finding never quotes a secret's value.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong, or that deserves a second look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// The line in it, counted from 1; for a missing key that of its section.
    pub line: Option<usize>,
    /// The column, counted from 1 in characters; only syntax errors have one.
    pub column: Option<usize>,
    /// The section, without brackets.
    pub section: Option<String>,
    /// The key.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to write or do instead.
    pub remedy: String,
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

/// Everything that keeps a configuration from being used, in the order of the file.
///
/// Never empty. `Display` gives one block per error and ends without a newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Finding>);

impl ConfigErrors {
    /// Wraps a single error.
    pub(super) fn one(finding: Finding) -> Self {
        Self(vec![finding])
    }

    /// Gives the errors one by one.
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

/// Gathers what is found while one file is read.
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
        self.errors.push(self.placed(finding));
    }

    pub(super) fn warning(&mut self, finding: Finding) {
        self.warnings.push(self.placed(finding));
    }

    fn placed(&self, finding: Finding) -> Finding {
        Finding {
            file: Some(self.file.clone()),
            ..finding
        }
    }

    /// Gives the warnings if there was no error, else the errors.
    pub(super) fn close(mut self) -> Result<Vec<Finding>, ConfigErrors> {
        let place = |finding: &Finding| (finding.line, finding.column);
        self.warnings.sort_by_key(place);
        self.errors.sort_by_key(place);
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(ConfigErrors(self.errors))
        }
    }
}
