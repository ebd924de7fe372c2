//! Parses `[…]`.
//!
//! Python has neither set operations nor named classes: `&&`, `--`, `~~`, `[:alpha:]` and an inner `[` are plain
//! characters.

use super::source::Token;
use super::{Parser, Result};
use crate::error::SyntaxError;
use crate::tree::{Class, Flags, Member};

const UNTERMINATED: &str = "unterminated character set";

impl Parser<'_> {
    /// Parses a set after its opening bracket.
    pub(super) fn class(&mut self, flags: Flags, start: usize) -> Result<Class> {
        let unterminated = SyntaxError::new(UNTERMINATED, start);
        let negated = self.source.take_if('^');
        let mut members = Vec::new();
        loop {
            let low_position = self.source.position();
            let token = self.source.take()?.ok_or(unterminated)?;
            if token == Token::Plain(']') && !members.is_empty() {
                break;
            }
            let low = self.member(token, low_position)?;
            if !self.source.take_if('-') {
                members.push(low);
                continue;
            }
            let high_position = self.source.position();
            let token = self.source.take()?.ok_or(unterminated)?;
            if token == Token::Plain(']') {
                members.extend([low, Member::Range('-'.into(), '-'.into())]);
                break;
            }
            match (low, self.member(token, high_position)?) {
                (Member::Range(low, _), Member::Range(high, _)) if low <= high => {
                    members.push(Member::Range(low, high));
                }
                _ => {
                    return Err(SyntaxError::new("bad character range", low_position));
                }
            }
        }
        Ok(Class {
            negated,
            members,
            flags,
        })
    }

    fn member(&mut self, token: Token, start: usize) -> Result<Member> {
        match token {
            Token::Plain(c) => Ok(Member::Range(c.into(), c.into())),
            Token::Escaped(c) => self.member_escape(c, start),
        }
    }
}
