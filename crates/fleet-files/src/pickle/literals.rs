//! Literals of the older protocols: numbers and text in ASCII.
//!
//! A function returns a reason as its error; the caller adds the position.

use std::borrow::Cow;

const NOT_AN_INTEGER: &str = "an integer cannot be parsed";
const NOT_A_FLOAT: &str = "a float cannot be parsed";
const NOT_TEXT: &str = "text is not Unicode";
const BAD_ESCAPE: &str = "an escape sequence cannot be parsed";
const TOO_LONG: &str = "an integer has more than 64 bits";

/// The argument of `INT`.
pub(super) enum IntOrBool {
    Bool(bool),
    Int(i64),
}

/// Parses the argument of `INT`: decimal digits, or `00` and `01` for `False` and `True`.
pub(super) fn int(line: &[u8]) -> Result<IntOrBool, &'static str> {
    match line {
        b"00" => Ok(IntOrBool::Bool(false)),
        b"01" => Ok(IntOrBool::Bool(true)),
        _ => decimal(line).map(IntOrBool::Int),
    }
}

/// Parses the argument of `LONG`: decimal digits, followed by an `L`.
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

/// Parses the argument of `LONG1` and `LONG4`: two's complement, little-endian, of any length.
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

/// Parses the argument of `FLOAT`: the output of Python's `repr`, with `inf` and `nan`.
pub(super) fn float(line: &[u8]) -> Result<f64, &'static str> {
    ascii(line, NOT_A_FLOAT)?.parse().map_err(|_| NOT_A_FLOAT)
}

/// Parses UTF-8. Python also accepts lone surrogates, which are not characters.
pub(super) fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| NOT_TEXT)
}

/// Parses a byte string of Python 2, which Python 3 reads as ASCII by default.
pub(super) fn ascii_text(bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    ascii(bytes, "text of Python 2 is not ASCII").map(Cow::Borrowed)
}

/// Parses the argument of `UNICODE`, in the codec `raw_unicode_escape`: Latin-1 with `\uXXXX` and `\UXXXXXXXX`. Any
/// other backslash is literal.
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

/// Parses the argument of `STRING`: the output of Python 2's `repr`, with quotes and escapes, in ASCII.
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

fn ascii<'a>(bytes: &'a [u8], reason: &'static str) -> Result<&'a str, &'static str> {
    if bytes.is_ascii() {
        str::from_utf8(bytes).map_err(|_| reason)
    } else {
        Err(reason)
    }
}
