//! Parses what follows an opening parenthesis.

use super::source::Token;
use super::{Parser, Result};
use crate::error::SyntaxError;
use crate::tree::{Flags, LookKind, Node, Sequence};
use crate::width::Width;

const MISSING_PARENTHESIS: &str = "missing ), unterminated subpattern";
const UNEXPECTED_END: &str = "unexpected end of pattern";

impl Parser<'_> {
    /// Parses a group after its opening parenthesis. Returns `None` for comments and global flags.
    pub(super) fn group(
        &mut self,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<Option<Node>> {
        let error = |message| SyntaxError::new(message, start);
        if !self.source.take_if('?') {
            return self.capture(None, flags, depth, start).map(Some);
        }
        let Token::Plain(kind) = self.source.expect(UNEXPECTED_END)? else {
            return Err(error("unknown extension"));
        };
        match kind {
            ':' => self.non_capturing(flags, depth, start).map(Some),
            '>' => {
                let alternatives = self.body(flags, depth, start)?;
                Ok(Some(Node::Atomic(alternatives)))
            }
            '#' => {
                while self.source.expect("missing ), unterminated comment")? != Token::Plain(')') {}
                Ok(None)
            }
            '=' => self.look(LookKind::Ahead, flags, depth, start).map(Some),
            '!' => self.look(LookKind::NotAhead, flags, depth, start).map(Some),
            '<' => match self.source.expect(UNEXPECTED_END)? {
                Token::Plain('=') => self.look(LookKind::Behind, flags, depth, start).map(Some),
                Token::Plain('!') => self
                    .look(LookKind::NotBehind, flags, depth, start)
                    .map(Some),
                _ => Err(error("unknown extension ?<")),
            },
            '(' => self.conditional(flags, depth, start).map(Some),
            'P' => match self.source.expect(UNEXPECTED_END)? {
                Token::Plain('<') => {
                    let name = self.group_name('>', start)?;
                    self.capture(Some(name), flags, depth, start).map(Some)
                }
                Token::Plain('=') => {
                    let name = self.group_name(')', start)?;
                    let group = self.group_named(&name, start)?;
                    self.refer(group, start)?;
                    Ok(Some(Node::Backreference(group, flags)))
                }
                _ => Err(error("unknown extension ?P")),
            },
            c => match self.flags(c, flags, start)? {
                Some(inside) => self.non_capturing(inside, depth, start).map(Some),
                None => Ok(None),
            },
        }
    }

    fn capture(
        &mut self,
        name: Option<String>,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<Node> {
        let number = self.groups.len();
        self.groups.push(None);
        if let Some(name) = name
            && self.names.insert(name, number).is_some()
        {
            return Err(SyntaxError::new("redefinition of group name", start));
        }
        let alternatives = self.body(flags, depth, start)?;
        self.groups[number] = Some(Width::of_alternatives(&alternatives, &self.groups));
        Ok(Node::Group(Some(number), alternatives))
    }

    fn non_capturing(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node> {
        Ok(Node::Group(None, self.body(flags, depth, start)?))
    }

    fn look(&mut self, kind: LookKind, flags: Flags, depth: usize, start: usize) -> Result<Node> {
        let is_behind = matches!(kind, LookKind::Behind | LookKind::NotBehind);
        let outer = self.lookbehind;
        if is_behind {
            self.lookbehind = outer.or(Some(self.groups.len()));
        }
        let alternatives = self.body(flags, depth, start)?;
        self.lookbehind = outer;
        let Width { least, most } = Width::of_alternatives(&alternatives, &self.groups);
        if is_behind && least != most {
            return Err(SyntaxError::new(
                "look-behind requires fixed-width pattern",
                start,
            ));
        }
        Ok(Node::Look { kind, alternatives })
    }

    fn conditional(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node> {
        let error = |message| SyntaxError::new(message, start);
        let name = self.source.until(')')?;
        let group = if is_identifier(&name) {
            self.group_named(&name, start)?
        } else {
            let group = group_number(&name).ok_or_else(|| error("bad character in group name"))?;
            if group == 0 {
                return Err(error("bad group number"));
            }
            self.forward.push((group, start));
            group
        };
        if self.lookbehind.is_some() {
            self.refer(group, start)?;
        }
        if self.groups.get(group).is_some_and(Option::is_none) {
            // Python and the engine disagree on whether an open group took part.
            return Err(error("conditions on an open group are not supported"));
        }
        self.referenced.insert(group);
        let (yes, no) = self.conditional_branches(flags, depth, start)?;
        Ok(Node::Conditional { group, yes, no })
    }

    fn conditional_branches(
        &mut self,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<(Sequence, Sequence)> {
        let mut alternatives = self.body(flags, depth, start)?.into_iter();
        let yes = alternatives.next().unwrap_or_default();
        let no = alternatives.next().unwrap_or_default();
        if alternatives.next().is_some() {
            return Err(SyntaxError::new(
                "conditional backref with more than two branches",
                start,
            ));
        }
        Ok((yes, no))
    }

    fn body(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Vec<Sequence>> {
        let alternatives = self.alternatives(flags, depth + 1)?;
        if self.source.take_if(')') {
            Ok(alternatives)
        } else if self.source.peek().is_none() {
            // A lone backslash at the end is the error that Python reports first.
            self.source.take()?;
            Err(SyntaxError::new(MISSING_PARENTHESIS, start))
        } else {
            Err(self.source.error(MISSING_PARENTHESIS))
        }
    }

    fn group_name(&mut self, end: char, start: usize) -> Result<String> {
        let name = self.source.until(end)?;
        if is_identifier(&name) {
            Ok(name)
        } else {
            Err(SyntaxError::new("bad character in group name", start))
        }
    }

    fn group_named(&self, name: &str, start: usize) -> Result<usize> {
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| SyntaxError::new("unknown group name", start))
    }
}

/// Parses a group's number like Python's `int`, which accepts signs, blanks and underscores.
fn group_number(text: &str) -> Option<usize> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let well_spaced = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    well_spaced
        .then(|| text.replace('_', ""))
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
}

/// Returns true if this is a name to Python.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}
