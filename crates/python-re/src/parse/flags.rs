//! Parses inline flags: `(?i)` and `(?i-s:…)`.

use super::source::Token;
use super::{Parser, Result};
use crate::error::SyntaxError;
use crate::tree::Flags;

impl Parser<'_> {
    /// Parses flags after their first character. Returns the flags inside of `(?i:…)`, or `None` for the global `(?i)`.
    pub(super) fn flags(
        &mut self,
        first: char,
        outside: Flags,
        start: usize,
    ) -> Result<Option<Flags>> {
        let error = |message| SyntaxError::new(message, start);
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

    fn plain_char(&mut self, message: &'static str) -> Result<char> {
        match self.source.expect(message)? {
            Token::Plain(c) => Ok(c),
            Token::Escaped(_) => Err(self.source.error(message)),
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
