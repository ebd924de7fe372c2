//! What stands behind an opening parenthesis.

use super::super::tree::{Flags, Node, Sequence, Width, width_of_any};
use super::source::Token;
use super::{Parser, Result, SyntaxError};

const UNCLOSED: &str = "missing ), unterminated subpattern";
const CUT: &str = "unexpected end of pattern";

impl Parser<'_> {
    /// Reads a group, whose opening parenthesis was taken; `None` for comments and global flags.
    pub(super) fn group(
        &mut self,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<Option<Node>> {
        let error = |what| SyntaxError { what, at: start };
        if !self.source.take_if('?') {
            return self.capture(None, flags, depth, start).map(Some);
        }
        let Token::Plain(kind) = self.source.expect(CUT)? else {
            return Err(error("unknown extension"));
        };
        match kind {
            ':' => self.plain(flags, depth, start).map(Some),
            '>' => {
                let alternatives = self.body(flags, depth, start)?;
                Ok(Some(Node::Atomic(alternatives)))
            }
            '#' => {
                while self.source.expect("missing ), unterminated comment")? != Token::Plain(')') {}
                Ok(None)
            }
            '=' => self.look(false, false, flags, depth, start).map(Some),
            '!' => self.look(false, true, flags, depth, start).map(Some),
            '<' => match self.source.expect(CUT)? {
                Token::Plain('=') => self.look(true, false, flags, depth, start).map(Some),
                Token::Plain('!') => self.look(true, true, flags, depth, start).map(Some),
                _ => Err(error("unknown extension ?<")),
            },
            '(' => self.conditional(flags, depth, start).map(Some),
            'P' => match self.source.expect(CUT)? {
                Token::Plain('<') => {
                    let name = self.name('>', start)?;
                    self.capture(Some(name), flags, depth, start).map(Some)
                }
                Token::Plain('=') => {
                    let name = self.name(')', start)?;
                    let group = self.named(&name, start)?;
                    self.refer(group, start)?;
                    Ok(Some(Node::Backreference(group, flags)))
                }
                _ => Err(error("unknown extension ?P")),
            },
            c => match self.flags(c, flags, start)? {
                Some(inside) => self.plain(inside, depth, start).map(Some),
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
            return Err(SyntaxError {
                what: "redefinition of group name",
                at: start,
            });
        }
        let alternatives = self.body(flags, depth, start)?;
        self.groups[number] = Some(width_of_any(&alternatives, &self.groups));
        Ok(Node::Group(Some(number), alternatives))
    }

    fn plain(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node> {
        Ok(Node::Group(None, self.body(flags, depth, start)?))
    }

    fn look(
        &mut self,
        behind: bool,
        negative: bool,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<Node> {
        let outer = self.lookbehind;
        if behind {
            self.lookbehind = outer.or(Some(self.groups.len()));
        }
        let alternatives = self.body(flags, depth, start)?;
        self.lookbehind = outer;
        let Width { least, most } = width_of_any(&alternatives, &self.groups);
        if behind && least != most {
            return Err(SyntaxError {
                what: "look-behind requires fixed-width pattern",
                at: start,
            });
        }
        Ok(Node::Look {
            behind,
            negative,
            alternatives,
        })
    }

    fn conditional(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Node> {
        let error = |what| SyntaxError { what, at: start };
        let name = self.source.until(')')?;
        let group = if is_identifier(&name) {
            self.named(&name, start)?
        } else {
            let group = number(&name).ok_or_else(|| error("bad character in group name"))?;
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
            // there the engine takes the group for matched, Python does not
            return Err(error("conditions on an open group are not supported"));
        }
        self.referenced.insert(group);
        let (yes, no) = self.branches(flags, depth, start)?;
        Ok(Node::Conditional { group, yes, no })
    }

    fn branches(
        &mut self,
        flags: Flags,
        depth: usize,
        start: usize,
    ) -> Result<(Sequence, Sequence)> {
        let mut alternatives = self.body(flags, depth, start)?.into_iter();
        let yes = alternatives.next().unwrap_or_default();
        let no = alternatives.next().unwrap_or_default();
        if alternatives.next().is_some() {
            return Err(SyntaxError {
                what: "conditional backref with more than two branches",
                at: start,
            });
        }
        Ok((yes, no))
    }

    fn body(&mut self, flags: Flags, depth: usize, start: usize) -> Result<Vec<Sequence>> {
        let alternatives = self.alternatives(flags, depth + 1)?;
        if self.source.take_if(')') {
            Ok(alternatives)
        } else if self.source.peek().is_none() {
            // a lone backslash at the end is the nearer fault
            self.source.take()?;
            Err(SyntaxError {
                what: UNCLOSED,
                at: start,
            })
        } else {
            Err(self.source.error(UNCLOSED))
        }
    }

    fn name(&mut self, end: char, start: usize) -> Result<String> {
        let name = self.source.until(end)?;
        if is_identifier(&name) {
            Ok(name)
        } else {
            Err(SyntaxError {
                what: "bad character in group name",
                at: start,
            })
        }
    }

    fn named(&self, name: &str, start: usize) -> Result<usize> {
        self.names.get(name).copied().ok_or(SyntaxError {
            what: "unknown group name",
            at: start,
        })
    }

    /// Reads flags whose first character was taken: those inside of `(?i:…)`, or `None` for the
    /// global `(?i)`.
    fn flags(&mut self, first: char, outside: Flags, start: usize) -> Result<Option<Flags>> {
        let error = |what| SyntaxError { what, at: start };
        let mut on = String::new();
        let mut c = first;
        while !matches!(c, ')' | ':' | '-') {
            match c {
                'i' | 'm' | 's' | 'x' | 'a' | 'u' => on.push(c),
                'L' => return Err(error("cannot use 'L' flag with a str pattern")),
                _ => return Err(error("unknown extension or flag")),
            }
            c = self.plain_char("missing -, : or )")?;
        }
        if on.contains('a') && on.contains('u') {
            return Err(error("flags 'a', 'u' and 'L' are incompatible"));
        }
        let mut inside = outside;
        set(&mut inside, &on, true);
        if c == ')' {
            if on.contains('u') && self.global.ascii || on.contains('a') && self.unicode {
                return Err(error("ASCII and UNICODE flags are incompatible"));
            }
            self.unicode |= on.contains('u');
            set(&mut self.global, &on, true);
            return Ok(None);
        }
        if c == '-' {
            let mut off = String::new();
            loop {
                c = self.plain_char("missing flag")?;
                match c {
                    ':' if !off.is_empty() => break,
                    'i' | 'm' | 's' | 'x' => off.push(c),
                    'a' | 'u' | 'L' => {
                        return Err(error("cannot turn off flags 'a', 'u' and 'L'"));
                    }
                    _ => return Err(error("unknown or missing flag")),
                }
            }
            if off.contains(|c| on.contains(c)) {
                return Err(error("flag turned on and off"));
            }
            set(&mut inside, &off, false);
        }
        Ok(Some(inside))
    }

    fn plain_char(&mut self, otherwise: &'static str) -> Result<char> {
        match self.source.expect(otherwise)? {
            Token::Plain(c) => Ok(c),
            Token::Escaped(_) => Err(self.source.error(otherwise)),
        }
    }
}

fn set(flags: &mut Flags, names: &str, on: bool) {
    for name in names.chars() {
        match name {
            'i' => flags.ignore_case = on,
            'm' => flags.multi_line = on,
            's' => flags.dot_all = on,
            'x' => flags.verbose = on,
            'a' => flags.ascii = on,
            'u' => flags.ascii = !on,
            _ => {}
        }
    }
}

/// Reads a group's number as Python's `int` does: signs, blanks and underscores are no fault there.
fn number(text: &str) -> Option<usize> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    let well_spaced = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    well_spaced
        .then(|| text.replace('_', ""))
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
}

/// Whether Python would take this for a name.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}
