//! Splits a pattern into tokens: a character, or a backslash with the next character.

use super::Result;
use crate::error::SyntaxError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Plain(char),
    /// The character after a backslash.
    Escaped(char),
}

/// A pattern and the position of the next token.
#[derive(Debug)]
pub(super) struct Source<'a> {
    chars: &'a [char],
    position: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(chars: &'a [char]) -> Self {
        Self { chars, position: 0 }
    }

    /// Returns the number of characters that were taken.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Returns to an earlier position.
    pub(super) fn seek(&mut self, position: usize) {
        self.position = position;
    }

    /// Returns an error at the current position.
    pub(super) fn error(&self, message: &'static str) -> SyntaxError {
        SyntaxError::new(message, self.position)
    }

    /// Returns the next token, or `None` at the end and before a backslash that ends the pattern.
    pub(super) fn peek(&self) -> Option<Token> {
        match *self.chars.get(self.position)? {
            '\\' => self
                .chars
                .get(self.position + 1)
                .map(|&c| Token::Escaped(c)),
            c => Some(Token::Plain(c)),
        }
    }

    /// Takes the next token, or returns `None` at the end.
    pub(super) fn take(&mut self) -> Result<Option<Token>> {
        let token = self.peek();
        match token {
            Some(Token::Plain(_)) => self.position += 1,
            Some(Token::Escaped(_)) => self.position += 2,
            None if self.position < self.chars.len() => {
                return Err(self.error("bad escape (end of pattern)"));
            }
            None => {}
        }
        Ok(token)
    }

    /// Takes the next token, or fails with this message at the end.
    pub(super) fn expect(&mut self, message: &'static str) -> Result<Token> {
        self.take()?.ok_or_else(|| self.error(message))
    }

    /// Takes the next token if it is this character.
    pub(super) fn take_if(&mut self, c: char) -> bool {
        self.take_where(|next| next == c).is_some()
    }

    /// Takes the next token if it is a plain character that fits.
    pub(super) fn take_where(&mut self, fits: impl Fn(char) -> bool) -> Option<char> {
        match self.peek() {
            Some(Token::Plain(c)) if fits(c) => {
                self.position += 1;
                Some(c)
            }
            _ => None,
        }
    }

    /// Takes all decimal digits that follow.
    pub(super) fn digits(&mut self) -> String {
        std::iter::from_fn(|| self.take_where(|c| c.is_ascii_digit())).collect()
    }

    /// Takes up to `max_digits` digits of that radix. Returns how many it took, and their value.
    pub(super) fn number(&mut self, radix: u32, max_digits: usize) -> (usize, u32) {
        let mut value = 0;
        for taken in 0..max_digits {
            let Some(digit) = self
                .take_where(|c| c.is_digit(radix))
                .and_then(|c| c.to_digit(radix))
            else {
                return (taken, value);
            };
            value = value * radix + digit;
        }
        (max_digits, value)
    }

    /// Takes the text up to this character, and the character.
    pub(super) fn until(&mut self, end: char) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.expect("unterminated name")? {
                Token::Plain(c) if c == end => {
                    return if text.is_empty() {
                        Err(self.error("missing group name"))
                    } else {
                        Ok(text)
                    };
                }
                Token::Plain(c) => text.push(c),
                Token::Escaped(c) => text.extend(['\\', c]),
            }
        }
    }

    /// Takes the rest of the line and its line break.
    pub(super) fn skip_line(&mut self) -> Result<()> {
        while !matches!(self.take()?, None | Some(Token::Plain('\n'))) {}
        Ok(())
    }
}
