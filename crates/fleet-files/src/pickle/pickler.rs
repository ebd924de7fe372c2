//! Writing in protocol 4, the one that the fleet's files have.
//!
//! The writer memoizes nothing: Python's unpickler does not need the memo, and values of [`PyValue`] share nothing.

use std::io::{self, Write};

use super::opcode::Opcode;
use super::py_value::PyValue;
use super::rgb_photo::RgbPhoto;

/// Pickles plain data.
pub fn write(value: &PyValue) -> Vec<u8> {
    framed(|body| body.value(value))
}

/// Pickles a photo as a `PIL.Image.Image`, in a shape that every release of Pillow since 9.5 restores.
pub fn write_photo(photo: &RgbPhoto) -> Vec<u8> {
    framed(|body| {
        body.text("PIL.Image");
        body.text("Image");
        body.ops([Opcode::StackGlobal, Opcode::EmptyTuple, Opcode::NewObj]);
        body.ops([Opcode::EmptyList, Opcode::Mark, Opcode::EmptyDict]);
        body.text("RGB");
        body.int(photo.width().into());
        body.int(photo.height().into());
        body.ops([Opcode::Tuple2, Opcode::None]);
        body.bytes(photo.pixels());
        body.ops([Opcode::Appends, Opcode::Build]);
    })
}

/// Writes the head of protocol 4, one frame around the opcodes that `fill` adds, and the end.
fn framed(fill: impl FnOnce(&mut Body)) -> Vec<u8> {
    const LENGTH: std::ops::Range<usize> = 3..11;
    let mut body = Body(vec![Opcode::Proto as u8, 4, Opcode::Frame as u8]);
    body.0.resize(LENGTH.end, 0);
    fill(&mut body);
    body.ops([Opcode::Stop]);
    let mut pickle = body.0;
    let length = (pickle.len() - LENGTH.end) as u64;
    pickle[LENGTH].copy_from_slice(&length.to_le_bytes());
    pickle
}

/// A pickle that is being written.
struct Body(Vec<u8>);

impl Body {
    fn ops<const N: usize>(&mut self, opcodes: [Opcode; N]) {
        self.0.extend(opcodes.map(|opcode| opcode as u8));
    }

    fn op_with(&mut self, opcode: Opcode, argument: impl IntoIterator<Item = u8>) {
        self.ops([opcode]);
        self.0.extend(argument);
    }

    fn value(&mut self, value: &PyValue) {
        match value {
            PyValue::None => self.ops([Opcode::None]),
            PyValue::Bool(true) => self.ops([Opcode::NewTrue]),
            PyValue::Bool(false) => self.ops([Opcode::NewFalse]),
            PyValue::Int(number) => self.int(*number),
            PyValue::Float(number) => self.op_with(Opcode::BinFloat, number.to_be_bytes()),
            PyValue::Bytes(bytes) => self.bytes(bytes),
            PyValue::Str(text) => self.text(text),
            PyValue::List(members) => {
                self.ops([Opcode::EmptyList]);
                self.marked(members, Opcode::Appends);
            }
            PyValue::Set(members) => {
                self.ops([Opcode::EmptySet]);
                self.marked(members, Opcode::AddItems);
            }
            PyValue::Tuple(members) => self.marked(members, Opcode::Tuple),
            PyValue::FrozenSet(members) => self.marked(members, Opcode::FrozenSet),
            PyValue::Dict(pairs) => {
                self.ops([Opcode::EmptyDict, Opcode::Mark]);
                for (key, value) in pairs {
                    self.value(key);
                    self.value(value);
                }
                self.ops([Opcode::SetItems]);
            }
        }
    }

    /// Writes a mark, the members, and the opcode that consumes them.
    fn marked(&mut self, members: &[PyValue], consume: Opcode) {
        self.ops([Opcode::Mark]);
        for member in members {
            self.value(member);
        }
        self.ops([consume]);
    }

    fn int(&mut self, number: i64) {
        if let Ok(number) = u8::try_from(number) {
            self.op_with(Opcode::BinInt1, [number]);
        } else if let Ok(number) = u16::try_from(number) {
            self.op_with(Opcode::BinInt2, number.to_le_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.op_with(Opcode::BinInt, number.to_le_bytes());
        } else {
            self.op_with(Opcode::Long1, [8]);
            self.0.extend(number.to_le_bytes());
        }
    }

    fn text(&mut self, text: &str) {
        self.counted(
            text.as_bytes(),
            Opcode::ShortBinUnicode,
            Opcode::BinUnicode,
            Opcode::BinUnicode8,
        );
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.counted(
            bytes,
            Opcode::ShortBinBytes,
            Opcode::BinBytes,
            Opcode::BinBytes8,
        );
    }

    /// Writes the bytes behind their length, which has one, four or eight bytes, each with a separate opcode.
    fn counted(&mut self, bytes: &[u8], short: Opcode, medium: Opcode, long: Opcode) {
        if let Ok(length) = u8::try_from(bytes.len()) {
            self.op_with(short, [length]);
        } else if let Ok(length) = u32::try_from(bytes.len()) {
            self.op_with(medium, length.to_le_bytes());
        } else {
            self.op_with(long, (bytes.len() as u64).to_le_bytes());
        }
        self.0.extend(bytes);
    }
}

/// A dict that is pickled pair by pair, to the same bytes as [`write()`] gives for the whole dict.
///
/// A pickle begins with its length, so the caller writes all pairs twice: first into
/// [`DictPickler::measure`], then into [`DictPickler::new`] with the length that came out.
pub struct DictPickler<W> {
    to: W,
    pair: Body,
    length: u64,
}

impl DictPickler<io::Sink> {
    /// Begins a dict that is only measured.
    pub fn measure() -> Self {
        Self {
            to: io::sink(),
            pair: Body(Vec::new()),
            // The opcodes that `new` writes behind the length, and those of `finish`.
            length: 4,
        }
    }
}

impl<W: Write> DictPickler<W> {
    /// Begins a dict of `length` bytes, as [`DictPickler::finish`] returned them for the same pairs.
    ///
    /// # Errors
    /// An error of `to`.
    pub fn new(mut to: W, length: u64) -> io::Result<Self> {
        to.write_all(&[Opcode::Proto as u8, 4, Opcode::Frame as u8])?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&[Opcode::EmptyDict as u8, Opcode::Mark as u8])?;
        Ok(Self {
            to,
            pair: Body(Vec::new()),
            length: 4,
        })
    }

    /// Writes a pair.
    ///
    /// # Errors
    /// An error of the destination.
    pub fn pair(&mut self, key: &PyValue, value: &PyValue) -> io::Result<()> {
        self.pair.0.clear();
        self.pair.value(key);
        self.pair.value(value);
        self.length += self.pair.0.len() as u64;
        self.to.write_all(&self.pair.0)
    }

    /// Ends the dict, and returns the length for [`DictPickler::new`].
    ///
    /// # Errors
    /// An error of the destination.
    pub fn finish(mut self) -> io::Result<u64> {
        self.to
            .write_all(&[Opcode::SetItems as u8, Opcode::Stop as u8])?;
        self.to.flush()?;
        Ok(self.length)
    }
}
