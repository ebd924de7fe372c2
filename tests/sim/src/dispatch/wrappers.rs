//! `invokeWithLayer` and the other wrappers, which the generated types can decode only around a known call.

use grammers_tl_types::{Cursor, Deserializable, Identifiable, deserialize, enums, functions};

use crate::world::Device;

/// The values of the wrappers around a request.
#[derive(Default)]
pub(super) struct Wrappers {
    pub(super) layer: Option<i32>,
    pub(super) device: Option<Device>,
    pub(super) without_updates: bool,
}

/// Strips the wrappers; returns their values and the request inside.
pub(super) fn strip(body: &[u8]) -> deserialize::Result<(Wrappers, Vec<u8>)> {
    let mut wrappers = Wrappers::default();
    let mut cursor = Cursor::from_slice(body);
    loop {
        let start = cursor.pos();
        match u32::deserialize(&mut cursor)? {
            functions::InvokeWithLayer::<()>::CONSTRUCTOR_ID => {
                wrappers.layer = Some(i32::deserialize(&mut cursor)?);
            }
            functions::InitConnection::<()>::CONSTRUCTOR_ID => {
                wrappers.device = Some(device(&mut cursor)?);
            }
            functions::InvokeWithoutUpdates::<()>::CONSTRUCTOR_ID => {
                wrappers.without_updates = true;
            }
            functions::InvokeAfterMsg::<()>::CONSTRUCTOR_ID => {
                i64::deserialize(&mut cursor)?;
            }
            functions::InvokeAfterMsgs::<()>::CONSTRUCTOR_ID => {
                Vec::<i64>::deserialize(&mut cursor)?;
            }
            _ => return Ok((wrappers, body[start..].to_vec())),
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
