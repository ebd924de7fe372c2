//! Reads Python's `re` syntax, as CPython 3.11 reads it.
//!
//! Owns the grammar; [`escape`], [`class`] and [`group`] hold its three intricate corners. Refuses
//! what Python refuses, and the little that the rules' own page lists. More than Python it takes
//! in one point: global flags anywhere, not only in front, as Python did up to 3.10, since the fleet's
//! rules were written for those.

mod class;
mod escape;
mod group;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use self::source::{Source, Token};
use super::tree::{At, Flags, Node, RepeatKind, Sequence, Width};

/// The longest pattern that is read, in code points.
pub(super) const LONGEST: usize = 8192;
/// How deep groups may lie in groups.
const DEEPEST: usize = 40;
/// The number from which Python calls a repetition too large.
const TOO_OFTEN: u64 = u32::MAX as u64;

/// Why a pattern cannot be read, and where; never what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at character {}", at + 1)]
pub struct SyntaxError {
    /// What is wrong, mostly in Python's words.
    pub what: &'static str,
    /// How many characters of the pattern stand before it.
    pub at: usize,
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// A pattern that was read whole.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) alternatives: Vec<Sequence>,
    /// The width of each group, by its number; the one at 0 is not used.
    pub(super) groups: Vec<Option<Width>>,
    /// The groups that backreferences and conditions name.
    pub(super) referenced: BTreeSet<usize>,
}

/// Reads a pattern under the fleet's flags.
pub(super) fn parse(pattern: &str) -> Result<Parsed> {
    let chars: Vec<char> = pattern.chars().collect();
    if chars.len() > LONGEST {
        return Err(SyntaxError {
            what: "pattern longer than 8192 characters",
            at: LONGEST,
        });
    }
    let mut flags = Flags::FLEET;
    // A global flag holds for the whole pattern, also for what stands before it: read again under it.
    // Flags are only ever added, so this ends.
    loop {
        let mut parser = Parser::new(&chars, flags);
        let alternatives = parser.alternatives(flags, 0)?;
        if parser.source.peek().is_some() {
            return Err(parser.source.error("unbalanced parenthesis"));
        }
        if let Some(&(_, at)) = parser
            .forward
            .iter()
            .find(|(group, _)| *group >= parser.groups.len())
        {
            return Err(SyntaxError {
                what: "invalid group reference",
                at,
            });
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

/// What is known while a pattern is being read.
struct Parser<'a> {
    source: Source<'a>,
    /// The flags that hold for the whole pattern, as far as it was read.
    global: Flags,
    /// The width of each group once it is closed.
    groups: Vec<Option<Width>>,
    names: BTreeMap<String, usize>,
    /// The groups that backreferences and conditions name.
    referenced: BTreeSet<usize>,
    /// Conditions on groups, which may come later: the group, and where the condition stands.
    forward: Vec<(usize, usize)>,
    /// Inside a lookbehind: how many groups there were before it.
    lookbehind: Option<usize>,
    /// Whether `(?u)` was said, which excludes `(?a)`.
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

    /// Reads `a|b|c` up to the end or the closing parenthesis.
    fn alternatives(&mut self, flags: Flags, depth: usize) -> Result<Vec<Sequence>> {
        if depth > DEEPEST {
            return Err(self.source.error("groups nested more than 40 deep"));
        }
        let mut alternatives = vec![self.sequence(flags, depth)?];
        while self.source.take_if('|') {
            alternatives.push(self.sequence(flags, depth)?);
        }
        Ok(alternatives)
    }

    /// Reads one alternative.
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

    /// Puts the piece before a quantifier under it.
    fn repeat(
        &mut self,
        sequence: &mut Sequence,
        min: u32,
        max: Option<u32>,
        start: usize,
    ) -> Result<()> {
        let error = |what| SyntaxError { what, at: start };
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

    /// Reads what follows `{`; `None`, and nothing read, if that is no quantifier.
    fn counts(&mut self, start: usize) -> Result<Option<(u32, Option<u32>)>> {
        let error = |what| SyntaxError { what, at: start };
        if self.source.peek() == Some(Token::Plain('}')) {
            return Ok(None);
        }
        let here = self.source.position();
        let low = self.source.digits();
        let high = if self.source.take_if(',') {
            self.source.digits()
        } else {
            low.clone()
        };
        if !self.source.take_if('}') {
            self.source.seek(here);
            return Ok(None);
        }
        let count = |digits: &str| -> Result<Option<u32>> {
            if digits.is_empty() {
                return Ok(None);
            }
            // more digits than fit are too large as well
            let count = digits.parse::<u64>().unwrap_or(u64::MAX);
            u32::try_from(count)
                .ok()
                .filter(|_| count < TOO_OFTEN)
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
