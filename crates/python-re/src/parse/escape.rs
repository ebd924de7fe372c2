//! Parses escapes outside and inside of `[…]`.

use super::{Parser, Result};
use crate::error::SyntaxError;
use crate::tree::{At, Category, Class, Flags, Member, Node};

/// Python refuses larger octal escapes.
const MAX_OCTAL: u32 = 0o377;

impl Parser<'_> {
    /// Parses an escape outside of `[…]` after its first character `c`. The escape starts at `start`.
    pub(super) fn escape(&mut self, c: char, flags: Flags, start: usize) -> Result<Node> {
        let at = match c {
            'A' => Some(At::TextStart),
            'Z' => Some(At::TextEnd),
            'b' => Some(At::WordBoundary),
            'B' => Some(At::NoWordBoundary),
            _ => None,
        };
        if let Some(at) = at {
            return Ok(Node::At(at, flags));
        }
        if let Some(member) = category(c) {
            return Ok(Node::Class(Class {
                negated: false,
                members: vec![member],
                flags,
            }));
        }
        match c {
            '0' => Ok(Node::Literal(self.source.number(8, 2).1, flags)),
            '1'..='9' => self.octal_or_reference(c, flags, start),
            c => Ok(Node::Literal(self.code_point(c, start)?, flags)),
        }
    }

    /// Parses an escape inside of `[…]` after its first character `c`. The escape starts at `start`.
    pub(super) fn member_escape(&mut self, c: char, start: usize) -> Result<Member> {
        if let Some(member) = category(c) {
            return Ok(member);
        }
        let code_point = match c {
            'b' => 0x08,
            '0'..='7' => {
                self.source.seek(start + 1);
                let (_, value) = self.source.number(8, 3);
                if value > MAX_OCTAL {
                    return Err(octal_too_large(start));
                }
                value
            }
            c => self.code_point(c, start)?,
        };
        Ok(Member::Range(code_point, code_point))
    }

    /// Parses an escape that starts with a digit other than 0: three octal digits are a character, all others a
    /// reference.
    fn octal_or_reference(&mut self, first: char, flags: Flags, start: usize) -> Result<Node> {
        let mut digits = vec![first];
        digits.extend(self.source.take_where(|c| c.is_ascii_digit()));
        if digits.len() == 2 && digits.iter().all(|c| c.is_digit(8)) {
            self.source.seek(start + 1);
            if let (3, value) = self.source.number(8, 3) {
                return if value > MAX_OCTAL {
                    Err(octal_too_large(start))
                } else {
                    Ok(Node::Literal(value, flags))
                };
            }
        }
        let group = digits
            .iter()
            .filter_map(|c| c.to_digit(10))
            .fold(0, |group, digit| group * 10 + digit as usize);
        if group >= self.groups.len() {
            return Err(SyntaxError::new("invalid group reference", start));
        }
        self.refer(group, start)?;
        Ok(Node::Backreference(group, flags))
    }

    /// Records a reference to a group, and refuses it while the group is open.
    pub(super) fn refer(&mut self, group: usize, start: usize) -> Result<()> {
        self.referenced.insert(group);
        let closed = self.groups.get(group).is_some_and(Option::is_some);
        if !closed {
            return Err(SyntaxError::new("cannot refer to an open group", start));
        }
        if self.lookbehind.is_some_and(|before| group >= before) {
            return Err(SyntaxError::new(
                "cannot refer to group defined in the same lookbehind subpattern",
                start,
            ));
        }
        Ok(())
    }

    /// Parses an escape that means one character in both places.
    fn code_point(&mut self, c: char, start: usize) -> Result<u32> {
        let error = |message| SyntaxError::new(message, start);
        let digits = match c {
            'a' => return Ok(0x07),
            'f' => return Ok(0x0c),
            'n' => return Ok(0x0a),
            'r' => return Ok(0x0d),
            't' => return Ok(0x09),
            'v' => return Ok(0x0b),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => return Err(error("named characters (\\N) are not supported")),
            c if c.is_ascii_alphanumeric() => return Err(error("bad escape")),
            c => return Ok(c.into()),
        };
        let (taken, value) = self.source.number(16, digits);
        if taken < digits {
            return Err(error("incomplete escape"));
        }
        if value > char::MAX.into() {
            return Err(error("bad escape"));
        }
        Ok(value)
    }
}

fn category(c: char) -> Option<Member> {
    let category = match c.to_ascii_lowercase() {
        'd' => Category::Digit,
        's' => Category::Space,
        'w' => Category::Word,
        _ => return None,
    };
    Some(Member::Category {
        category,
        negated: c.is_ascii_uppercase(),
    })
}

fn octal_too_large(start: usize) -> SyntaxError {
    SyntaxError::new("octal escape value outside of range 0-0o377", start)
}
