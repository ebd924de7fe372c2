//! `[…]`. Python has no set operations and no named classes: `&&`, `--`, `~~`, `[:alpha:]` and an
//! inner `[` are their characters.

use super::super::tree::{Class, Flags, Member};
use super::source::Token;
use super::{Parser, Result, SyntaxError};

const UNTERMINATED: &str = "unterminated character set";

impl Parser<'_> {
    /// Reads a set of characters, whose opening bracket was taken.
    pub(super) fn class(&mut self, flags: Flags, start: usize) -> Result<Class> {
        let unterminated = SyntaxError {
            what: UNTERMINATED,
            at: start,
        };
        let negated = self.source.take_if('^');
        let mut members = Vec::new();
        loop {
            let here = self.source.position();
            let token = self.source.take()?.ok_or(unterminated)?;
            if token == Token::Plain(']') && !members.is_empty() {
                break;
            }
            let low = self.member(token, here)?;
            if !self.source.take_if('-') {
                members.push(low);
                continue;
            }
            let there = self.source.position();
            let token = self.source.take()?.ok_or(unterminated)?;
            if token == Token::Plain(']') {
                members.extend([low, Member::Range('-'.into(), '-'.into())]);
                break;
            }
            match (low, self.member(token, there)?) {
                (Member::Range(low, _), Member::Range(high, _)) if low <= high => {
                    members.push(Member::Range(low, high));
                }
                _ => {
                    return Err(SyntaxError {
                        what: "bad character range",
                        at: here,
                    });
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
