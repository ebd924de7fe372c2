//! `invokeWithLayer` and its kin, which the generated types cannot read around an inner call they do not know.

use grammers_tl_types::{Cursor, Deserializable, Identifiable, deserialize, enums, functions};

use crate::world::Device;

/// What the wrappers around a request said.
#[derive(Default)]
pub(super) struct Opening {
    pub(super) layer: Option<i32>,
    pub(super) device: Option<Device>,
    pub(super) without_updates: bool,
}

/// Takes off the wrappers; returns what they said and the request inside.
pub(super) fn strip(body: &[u8]) -> deserialize::Result<(Opening, Vec<u8>)> {
    let mut opening = Opening::default();
    let mut cursor = Cursor::from_slice(body);
    loop {
        let start = cursor.pos();
        match u32::deserialize(&mut cursor)? {
            functions::InvokeWithLayer::<()>::CONSTRUCTOR_ID => {
                opening.layer = Some(i32::deserialize(&mut cursor)?);
            }
            functions::InitConnection::<()>::CONSTRUCTOR_ID => {
                opening.device = Some(device(&mut cursor)?);
            }
            functions::InvokeWithoutUpdates::<()>::CONSTRUCTOR_ID => {
                opening.without_updates = true;
            }
            functions::InvokeAfterMsg::<()>::CONSTRUCTOR_ID => {
                i64::deserialize(&mut cursor)?;
            }
            functions::InvokeAfterMsgs::<()>::CONSTRUCTOR_ID => {
                Vec::<i64>::deserialize(&mut cursor)?;
            }
            _ => return Ok((opening, body[start..].to_vec())),
        }
    }
}

fn device(cursor: &mut Cursor) -> deserialize::Result<Device> {
    let flags = u32::deserialize(cursor)?;
    let device = Device {
        layer: 0,
        api_id: i32::deserialize(cursor)?,
        device_model: String::deserialize(cursor)?,
        system_version: String::deserialize(cursor)?,
        app_version: String::deserialize(cursor)?,
        system_lang_code: String::deserialize(cursor)?,
        lang_pack: String::deserialize(cursor)?,
        lang_code: String::deserialize(cursor)?,
    };
    if flags & 1 != 0 {
        enums::InputClientProxy::deserialize(cursor)?;
    }
    if flags & 2 != 0 {
        enums::Jsonvalue::deserialize(cursor)?;
    }
    Ok(device)
}
