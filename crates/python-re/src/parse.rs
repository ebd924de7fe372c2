//! Parses Python's `re` syntax as CPython 3.11 does.
//!
//! This module has alternatives, sequences and quantifiers; its children parse escapes, sets, groups and flags. The
//! parser refuses the patterns that Python refuses and those that the README lists. In one point it accepts more:
//! global flags may stand anywhere, as up to Python 3.10, because older patterns rely on that.

mod class;
mod escape;
mod flags;
mod group;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use self::source::{Source, Token};
use super::error::SyntaxError;
use super::tree::{At, Flags, Node, RepeatKind, Sequence};
use super::width::Width;

/// The longest pattern, in code points.
const MAX_CHARS: usize = 8192;
/// The most groups around a node.
const MAX_DEPTH: usize = 40;
/// Python refuses this number of repetitions and all above (`MAXREPEAT`).
const MAX_REPEAT: u64 = u32::MAX as u64;

type Result<T> = std::result::Result<T, SyntaxError>;

#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) alternatives: Vec<Sequence>,
    /// The width of each group at the group's number. Index 0 is not used.
    pub(crate) groups: Vec<Option<Width>>,
    /// The groups that backreferences and conditions name.
    pub(crate) referenced: BTreeSet<usize>,
}

/// Parses a pattern under the flags that the caller of `re.compile` passes.
pub(crate) fn parse(pattern: &str, mut flags: Flags) -> Result<Parsed> {
    let chars: Vec<char> = pattern.chars().collect();
    if chars.len() > MAX_CHARS {
        return Err(SyntaxError::new(
            "pattern longer than 8192 characters",
            MAX_CHARS,
        ));
    }
    // A global flag also holds for the text in front of it, so the pattern is parsed again under that flag. Flags are
    // only ever added, so the loop ends.
    loop {
        let mut parser = Parser::new(&chars, flags);
        let alternatives = parser.alternatives(flags, 0)?;
        if parser.source.peek().is_some() {
            return Err(parser.source.error("unbalanced parenthesis"));
        }
        if let Some(&(_, position)) = parser
            .forward
            .iter()
            .find(|(group, _)| *group >= parser.groups.len())
        {
            return Err(SyntaxError::new("invalid group reference", position));
        }
        if parser.global == flags {
            return Ok(Parsed {
                alternatives,
                groups: parser.groups,
                referenced: parser.referenced,
            });
        }
        flags = parser.global;
    }
}

struct Parser<'a> {
    source: Source<'a>,
    /// The global flags that were found so far.
    global: Flags,
    /// The width of each group, `None` while the group is open.
    groups: Vec<Option<Width>>,
    names: BTreeMap<String, usize>,
    /// The groups that backreferences and conditions name.
    referenced: BTreeSet<usize>,
    /// Conditions may name groups that open later: the group's number and the position of the condition.
    forward: Vec<(usize, usize)>,
    /// Inside a lookbehind, the number of the first group that opened in it.
    lookbehind: Option<usize>,
    /// `(?u)` was found, which excludes `(?a)`.
    unicode: bool,
}

impl<'a> Parser<'a> {
    fn new(pattern: &'a [char], flags: Flags) -> Self {
        Self {
            source: Source::new(pattern),
            global: flags,
            groups: vec![None],
            names: BTreeMap::new(),
            referenced: BTreeSet::new(),
            forward: Vec::new(),
            lookbehind: None,
            unicode: false,
        }
    }

    /// Parses `a|b|c` up to the end or the closing parenthesis.
    fn alternatives(&mut self, flags: Flags, depth: usize) -> Result<Vec<Sequence>> {
        if depth > MAX_DEPTH {
            return Err(self.source.error("groups nested more than 40 deep"));
        }
        let mut alternatives = vec![self.sequence(flags, depth)?];
        while self.source.take_if('|') {
            alternatives.push(self.sequence(flags, depth)?);
        }
        Ok(alternatives)
    }

    fn sequence(&mut self, flags: Flags, depth: usize) -> Result<Sequence> {
        let mut sequence = Sequence::new();
        loop {
            let start = self.source.position();
            if matches!(self.source.peek(), Some(Token::Plain('|' | ')'))) {
                return Ok(sequence);
            }
            let Some(token) = self.source.take()? else {
                return Ok(sequence);
            };
            let c = match token {
                Token::Escaped(c) => {
                    sequence.push(self.escape(c, flags, start)?);
                    continue;
                }
                Token::Plain(c) => c,
            };
            match c {
                ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' if flags.verbose => {}
                '#' if flags.verbose => self.source.skip_line()?,
                '.' => sequence.push(Node::Any(flags)),
                '^' => sequence.push(Node::At(At::LineStart, flags)),
                '$' => sequence.push(Node::At(At::LineEnd, flags)),
                '[' => sequence.push(Node::Class(self.class(flags, start)?)),
                '(' => sequence.extend(self.group(flags, depth, start)?),
                '*' => self.repeat(&mut sequence, 0, None, start)?,
                '+' => self.repeat(&mut sequence, 1, None, start)?,
                '?' => self.repeat(&mut sequence, 0, Some(1), start)?,
                '{' => match self.counts(start)? {
                    Some((min, max)) => self.repeat(&mut sequence, min, max, start)?,
                    None => sequence.push(Node::Literal('{'.into(), flags)),
                },
                c => sequence.push(Node::Literal(c.into(), flags)),
            }
        }
    }

    /// Replaces the last node by its repetition.
    fn repeat(
        &mut self,
        sequence: &mut Sequence,
        min: u32,
        max: Option<u32>,
        start: usize,
    ) -> Result<()> {
        let error = |message| SyntaxError::new(message, start);
        let body = match sequence.pop() {
            None | Some(Node::At(..)) => return Err(error("nothing to repeat")),
            Some(Node::Repeat { .. }) => return Err(error("multiple repeat")),
            Some(body) => Box::new(body),
        };
        let kind = if self.source.take_if('?') {
            RepeatKind::Lazy
        } else if self.source.take_if('+') {
            RepeatKind::Possessive
        } else {
            RepeatKind::Greedy
        };
        sequence.push(Node::Repeat {
            min,
            max,
            kind,
            body,
        });
        Ok(())
    }

    /// Parses the rest of a quantifier after `{`. Returns `None` and takes nothing if `{` is a plain character.
    fn counts(&mut self, start: usize) -> Result<Option<(u32, Option<u32>)>> {
        let error = |message| SyntaxError::new(message, start);
        if self.source.peek() == Some(Token::Plain('}')) {
            return Ok(None);
        }
        let before = self.source.position();
        let low = self.source.digits();
        let high = if self.source.take_if(',') {
            self.source.digits()
        } else {
            low.clone()
        };
        if !self.source.take_if('}') {
            self.source.seek(before);
            return Ok(None);
        }
        let count = |digits: &str| -> Result<Option<u32>> {
            if digits.is_empty() {
                return Ok(None);
            }
            // The number consists of digits, so a failure to parse means that it is too large.
            let count = digits.parse::<u64>().unwrap_or(u64::MAX);
            u32::try_from(count)
                .ok()
                .filter(|_| count < MAX_REPEAT)
                .map(Some)
                .ok_or_else(|| error("the repetition number is too large"))
        };
        let (min, max) = (count(&low)?.unwrap_or(0), count(&high)?);
        if max.is_some_and(|max| max < min) {
            return Err(error("min repeat greater than max repeat"));
        }
        Ok(Some((min, max)))
    }
}
