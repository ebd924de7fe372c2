//! The characters of a pattern, one token at a time: a character, or a backslash with the next one.

use super::{Result, SyntaxError};

/// What Python's reader takes as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A character that stands alone.
    Plain(char),
    /// The character behind a backslash.
    Escaped(char),
}

/// A pattern, and how far it was read.
#[derive(Debug)]
pub(super) struct Source<'a> {
    chars: &'a [char],
    position: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(chars: &'a [char]) -> Self {
        Self { chars, position: 0 }
    }

    /// How many characters were read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Goes back to where the source was.
    pub(super) fn seek(&mut self, position: usize) {
        self.position = position;
    }

    /// An error at the place that was reached.
    pub(super) fn error(&self, what: &'static str) -> SyntaxError {
        SyntaxError {
            what,
            at: self.position,
        }
    }

    /// The next token; `None` at the end, and before a backslash with nothing behind it.
    pub(super) fn peek(&self) -> Option<Token> {
        match *self.chars.get(self.position)? {
            '\\' => self
                .chars
                .get(self.position + 1)
                .map(|&c| Token::Escaped(c)),
            c => Some(Token::Plain(c)),
        }
    }

    /// Takes the next token; `None` at the end.
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

    /// Takes the next token, which has to be there.
    pub(super) fn expect(&mut self, otherwise: &'static str) -> Result<Token> {
        self.take()?.ok_or_else(|| self.error(otherwise))
    }

    /// Takes the next token if it is this character.
    pub(super) fn take_if(&mut self, c: char) -> bool {
        self.take_where(|next| next == c).is_some()
    }

    /// Takes the next token if it is such a character.
    pub(super) fn take_where(&mut self, fits: impl Fn(char) -> bool) -> Option<char> {
        match self.peek() {
            Some(Token::Plain(c)) if fits(c) => {
                self.position += 1;
                Some(c)
            }
            _ => None,
        }
    }

    /// Takes as many decimal digits as there are.
    pub(super) fn digits(&mut self) -> String {
        std::iter::from_fn(|| self.take_where(|c| c.is_ascii_digit())).collect()
    }

    /// Takes up to `most` digits of that radix and gives their value; `None` if there was none.
    pub(super) fn number(&mut self, radix: u32, most: usize) -> (usize, u32) {
        let mut value = 0;
        for taken in 0..most {
            let Some(digit) = self
                .take_where(|c| c.is_digit(radix))
                .and_then(|c| c.to_digit(radix))
            else {
                return (taken, value);
            };
            value = value * radix + digit;
        }
        (most, value)
    }

    /// Takes all up to this character, and that too.
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

    /// Takes the rest of the line.
    pub(super) fn skip_line(&mut self) -> Result<()> {
        while !matches!(self.take()?, None | Some(Token::Plain('\n'))) {}
        Ok(())
    }
}
