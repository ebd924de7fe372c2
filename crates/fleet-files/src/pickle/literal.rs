//! Numbers and text as the older protocols spell them.
//!
//! Each function says with a reason why a piece is not what it should be; where it stands, its caller knows.

use std::borrow::Cow;

const NOT_AN_INTEGER: &str = "an integer is none";
const NOT_A_FLOAT: &str = "a float is none";
const NOT_TEXT: &str = "text is not Unicode";
const BAD_ESCAPE: &str = "an escape in text is incomplete";
const TOO_LONG: &str = "an integer has more than 64 bits";

/// The argument of `INT`, in which two spellings mean a truth value.
pub(super) enum Int {
    Bool(bool),
    Int(i64),
}

/// `INT`: decimal digits, or `00` and `01` for `False` and `True`.
pub(super) fn int(line: &[u8]) -> Result<Int, &'static str> {
    match line {
        b"00" => Ok(Int::Bool(false)),
        b"01" => Ok(Int::Bool(true)),
        _ => decimal(line).map(Int::Int),
    }
}

/// `LONG`: decimal digits with an `L` behind them.
pub(super) fn long(line: &[u8]) -> Result<i64, &'static str> {
    decimal(line.strip_suffix(b"L").unwrap_or(line))
}

fn decimal(digits: &[u8]) -> Result<i64, &'static str> {
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
        return Err(NOT_AN_INTEGER);
    }
    ascii(digits, NOT_AN_INTEGER)?.parse().map_err(|_| TOO_LONG)
}

/// `LONG1`, `LONG4`: two's complement, little-endian, of any length.
pub(super) fn binary_long(bytes: &[u8]) -> Result<i64, &'static str> {
    let fill = match bytes.last() {
        Some(last) if last & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let (low, high) = bytes.split_at(bytes.len().min(8));
    let mut word = [fill; 8];
    word[..low.len()].copy_from_slice(low);
    let number = i64::from_le_bytes(word);
    if high.iter().all(|&byte| byte == fill) && (number < 0) == (fill != 0) {
        Ok(number)
    } else {
        Err(TOO_LONG)
    }
}

/// `FLOAT`: what Python's `repr` gives, with `inf` and `nan`.
pub(super) fn float(line: &[u8]) -> Result<f64, &'static str> {
    ascii(line, NOT_A_FLOAT)?.parse().map_err(|_| NOT_A_FLOAT)
}

/// UTF-8. Python would let lone surrogates pass, which are no characters.
pub(super) fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| NOT_TEXT)
}

/// Text of Python 2, which Python 3 reads as ASCII unless it is told otherwise.
pub(super) fn ascii_text(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    ascii(bytes, "text of Python 2 is not ASCII").map(Cow::Borrowed)
}

/// `UNICODE`: the codec `raw_unicode_escape`. Latin-1, with `\uXXXX` and `\UXXXXXXXX`; another backslash is one.
pub(super) fn raw_unicode_escape(line: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return utf8(line);
    }
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(&next)) => {
                text.push('\\');
                text.push(next.into());
                rest = &rest[1..];
                continue;
            }
            _ => {
                text.push(byte.into());
                continue;
            }
        };
        let code = rest.get(1..=digits).ok_or(BAD_ESCAPE)?;
        text.push(char::from_u32(number(code, 16)?).ok_or(NOT_TEXT)?);
        rest = &rest[1 + digits..];
    }
    Ok(text.into())
}

/// `STRING`: what Python 2's `repr` gives, quotes and escapes, ASCII alone.
pub(super) fn quoted(line: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let ([b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"']) = line else {
        return Err("text is not in quotes");
    };
    if !inner.contains(&b'\\') {
        return ascii_text(inner);
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&escape, behind) = rest.split_first().ok_or(BAD_ESCAPE)?;
        rest = behind;
        let byte = match escape {
            b'\\' | b'\'' | b'"' => escape,
            b'a' => 0x07,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'r' => b'\r',
            b'x' => {
                let code = rest.get(..2).ok_or(BAD_ESCAPE)?;
                rest = &rest[2..];
                number(code, 16)? as u8
            }
            b'0'..=b'7' => {
                let more = rest
                    .iter()
                    .take(2)
                    .take_while(|&&byte| matches!(byte, b'0'..=b'7'))
                    .count();
                let code = [&[escape], &rest[..more]].concat();
                rest = &rest[more..];
                number(&code, 8)? as u8
            }
            other => {
                bytes.push(b'\\');
                other
            }
        };
        bytes.push(byte);
    }
    ascii_text(&bytes).map(|text| text.into_owned().into())
}

fn number(digits: &[u8], radix: u32) -> Result<u32, &'static str> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(BAD_ESCAPE);
    }
    u32::from_str_radix(ascii(digits, BAD_ESCAPE)?, radix).map_err(|_| BAD_ESCAPE)
}

fn ascii<'a>(bytes: &'a [u8], otherwise: &'static str) -> Result<&'a str, &'static str> {
    if bytes.is_ascii() {
        str::from_utf8(bytes).map_err(|_| otherwise)
    } else {
        Err(otherwise)
    }
}
