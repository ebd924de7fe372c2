//! Writing, in protocol 4, the one that the fleet's files have.
//!
//! Nothing is memoized: Python's unpickler does not ask for it, and the values here share nothing.

use super::opcode as op;
use super::photo::Photo;
use super::value::Value;

/// Pickles plain data.
pub fn write(value: &Value) -> Vec<u8> {
    framed(|body| put(body, value))
}

/// Pickles a photo as a `PIL.Image.Image`, in the shape that every release of Pillow since 9.5 restores.
pub fn write_photo(photo: &Photo) -> Vec<u8> {
    framed(|body| {
        put_text(body, "PIL.Image");
        put_text(body, "Image");
        body.extend([op::STACK_GLOBAL, op::EMPTY_TUPLE, op::NEWOBJ]);
        body.extend([op::EMPTY_LIST, op::MARK, op::EMPTY_DICT]);
        put_text(body, "RGB");
        put_int(body, photo.width().into());
        put_int(body, photo.height().into());
        body.extend([op::TUPLE2, op::NONE]);
        put_bytes(body, photo.rgb());
        body.extend([op::APPENDS, op::BUILD]);
    })
}

/// The head of protocol 4, one frame around all that `fill` writes, and the end.
fn framed(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    const LENGTH: std::ops::Range<usize> = 3..11;
    let mut pickle = vec![op::PROTO, 4, op::FRAME];
    pickle.resize(LENGTH.end, 0);
    fill(&mut pickle);
    pickle.push(op::STOP);
    let length = (pickle.len() - LENGTH.end) as u64;
    pickle[LENGTH].copy_from_slice(&length.to_le_bytes());
    pickle
}

fn put(body: &mut Vec<u8>, value: &Value) {
    match value {
        Value::None => body.push(op::NONE),
        Value::Bool(true) => body.push(op::NEWTRUE),
        Value::Bool(false) => body.push(op::NEWFALSE),
        Value::Int(number) => put_int(body, *number),
        Value::Float(number) => {
            body.push(op::BINFLOAT);
            body.extend(number.to_be_bytes());
        }
        Value::Bytes(bytes) => put_bytes(body, bytes),
        Value::Str(text) => put_text(body, text),
        Value::List(members) => put_members(body, op::EMPTY_LIST, members, op::APPENDS),
        Value::Set(members) => put_members(body, op::EMPTY_SET, members, op::ADDITEMS),
        Value::Tuple(members) => put_marked(body, members, op::TUPLE),
        Value::FrozenSet(members) => put_marked(body, members, op::FROZENSET),
        Value::Dict(pairs) => {
            body.extend([op::EMPTY_DICT, op::MARK]);
            for (key, value) in pairs {
                put(body, key);
                put(body, value);
            }
            body.push(op::SETITEMS);
        }
    }
}

fn put_members(body: &mut Vec<u8>, empty: u8, members: &[Value], add: u8) {
    body.push(empty);
    put_marked(body, members, add);
}

fn put_marked(body: &mut Vec<u8>, members: &[Value], take: u8) {
    body.push(op::MARK);
    for member in members {
        put(body, member);
    }
    body.push(take);
}

fn put_int(body: &mut Vec<u8>, number: i64) {
    if let Ok(number) = u8::try_from(number) {
        body.extend([op::BININT1, number]);
    } else if let Ok(number) = u16::try_from(number) {
        body.push(op::BININT2);
        body.extend(number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        body.push(op::BININT);
        body.extend(number.to_le_bytes());
    } else {
        body.extend([op::LONG1, 8]);
        body.extend(number.to_le_bytes());
    }
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    put_counted(
        body,
        text.as_bytes(),
        [op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8],
    );
}

fn put_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    put_counted(
        body,
        bytes,
        [op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8],
    );
}

/// Writes a length in one, four or eight bytes, with the instruction for that, and the bytes.
fn put_counted(body: &mut Vec<u8>, bytes: &[u8], [short, medium, long]: [u8; 3]) {
    if let Ok(length) = u8::try_from(bytes.len()) {
        body.extend([short, length]);
    } else if let Ok(length) = u32::try_from(bytes.len()) {
        body.push(medium);
        body.extend(length.to_le_bytes());
    } else {
        body.push(long);
        body.extend((bytes.len() as u64).to_le_bytes());
    }
    body.extend(bytes);
}
