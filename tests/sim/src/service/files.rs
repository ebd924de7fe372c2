//! `upload.*`: uploads of file parts and downloads, with Telegram's rules on sizes and offsets.

use grammers_tl_types::{Deserializable, Identifiable, enums, functions, types};

use crate::HOME_DC;
use crate::dispatch::{Caller, Handler};
use crate::mtproto::constructor;
use crate::picture;
use crate::record::RpcError;
use crate::world::lookup::ResolvedUser;
use crate::world::{Upload, World};

/// "Each part should have a size that divides 524288 and is divisible by 1024."
pub(super) const MAX_PART_SIZE: usize = 512 * 1024;
/// "No more than 4000 parts", for an account without Premium.
pub(super) const MAX_PARTS: i32 = 4000;
const BLOCK: i64 = 1024 * 1024;

impl Handler for functions::upload::GetFile {
    fn handle(self, caller: &mut Caller) -> Result<enums::upload::File, RpcError> {
        check_range(self.offset, self.limit, self.precise)?;
        let dc = caller.origin.dc;
        let bytes = match &self.location {
            enums::InputFileLocation::InputPeerPhotoFileLocation(location) => {
                photo(caller.world, dc, location, self.offset)?
            }
            enums::InputFileLocation::InputDocumentFileLocation(location) => {
                document(caller.world, dc, location)?
            }
            _ => return Err(RpcError::bad("LOCATION_INVALID")),
        };
        let start = usize::try_from(self.offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let end = start
            .saturating_add(usize::try_from(self.limit).unwrap_or(0))
            .min(bytes.len());
        Ok(enums::upload::File::File(types::upload::File {
            r#type: kind(&bytes),
            mtime: 0,
            bytes: bytes[start..end].to_vec(),
        }))
    }
}

/// Returns the owner of the profile photo that a request downloads.
pub(crate) fn photo_owner(query: &[u8]) -> Option<i64> {
    if constructor(query)? != functions::upload::GetFile::CONSTRUCTOR_ID {
        return None;
    }
    let request = functions::upload::GetFile::from_bytes(&query[4..]).ok()?;
    let enums::InputFileLocation::InputPeerPhotoFileLocation(location) = request.location else {
        return None;
    };
    match location.peer {
        enums::InputPeer::User(user) => Some(user.user_id),
        enums::InputPeer::UserFromMessage(user) => Some(user.user_id),
        _ => None,
    }
}

/// Checks the offset and the limit (core.telegram.org/api/files#downloading-files).
fn check_range(offset: i64, limit: i32, precise: bool) -> Result<(), RpcError> {
    let step = if precise { 1024 } else { 4096 };
    if offset < 0 || offset % step != 0 {
        return Err(RpcError::bad("OFFSET_INVALID"));
    }
    let limit = i64::from(limit);
    if limit <= 0 || limit % step != 0 || limit > BLOCK {
        return Err(RpcError::bad("LIMIT_INVALID"));
    }
    if !precise && BLOCK % limit != 0 {
        return Err(RpcError::bad("LIMIT_INVALID"));
    }
    if offset / BLOCK != (offset + limit - 1) / BLOCK {
        return Err(RpcError::bad("LIMIT_INVALID"));
    }
    Ok(())
}

fn photo(
    world: &mut World,
    dc: i32,
    location: &types::InputPeerPhotoFileLocation,
    offset: i64,
) -> Result<Vec<u8>, RpcError> {
    let (ResolvedUser::Full(user) | ResolvedUser::Min(user)) = world.peer_user(&location.peer)?;
    let id = user.id;
    let (width, height) = (160, 160);
    let quality = world.options.photo_quality;
    let photo = world
        .users
        .get_mut(&id)
        .and_then(|user| user.photo.as_mut())
        .filter(|photo| photo.id == location.photo_id)
        .ok_or_else(|| RpcError::bad("LOCATION_INVALID"))?;
    if photo.dc != dc {
        return Err(RpcError::new(303, format!("FILE_MIGRATE_{}", photo.dc)));
    }
    if !location.big {
        return Ok(picture::jpeg(
            photo.id.cast_unsigned(),
            width,
            height,
            quality,
        ));
    }
    if offset == 0 {
        photo.truncated = photo.truncations > 0;
        photo.truncations = photo.truncations.saturating_sub(1);
    }
    let length = if photo.truncated {
        photo.bytes.len() / 2
    } else {
        photo.bytes.len()
    };
    Ok(photo.bytes[..length].to_vec())
}

fn document(
    world: &World,
    dc: i32,
    location: &types::InputDocumentFileLocation,
) -> Result<Vec<u8>, RpcError> {
    let document = world
        .documents
        .get(&location.id)
        .filter(|document| document.hash_for(world.me) == location.access_hash)
        .ok_or_else(|| RpcError::bad("LOCATION_INVALID"))?;
    if dc != HOME_DC {
        return Err(RpcError::new(303, format!("FILE_MIGRATE_{HOME_DC}")));
    }
    if document.file_reference != location.file_reference {
        return Err(RpcError::bad("FILE_REFERENCE_EXPIRED"));
    }
    Ok(document.bytes.clone())
}

fn kind(bytes: &[u8]) -> enums::storage::FileType {
    match bytes {
        [0xff, 0xd8, ..] => enums::storage::FileType::FileJpeg,
        [0x89, b'P', b'N', b'G', ..] => enums::storage::FileType::FilePng,
        _ => enums::storage::FileType::FileUnknown,
    }
}

impl Handler for functions::upload::SaveFilePart {
    fn handle(self, caller: &mut Caller) -> Result<bool, RpcError> {
        save(caller, self.file_id, self.file_part, None, self.bytes)
    }
}

impl Handler for functions::upload::SaveBigFilePart {
    fn handle(self, caller: &mut Caller) -> Result<bool, RpcError> {
        if !(1..=MAX_PARTS).contains(&self.file_total_parts) {
            return Err(RpcError::bad("FILE_PARTS_INVALID"));
        }
        let last = self.file_part + 1 == self.file_total_parts;
        if !last {
            check_part_size(self.bytes.len())?;
        }
        let total = Some(self.file_total_parts);
        save(caller, self.file_id, self.file_part, total, self.bytes)
    }
}

/// Checks the size of a part that is not the last one.
pub(super) fn check_part_size(size: usize) -> Result<(), RpcError> {
    if size == 0 || !size.is_multiple_of(1024) || !MAX_PART_SIZE.is_multiple_of(size) {
        return Err(RpcError::bad("FILE_PART_SIZE_INVALID"));
    }
    Ok(())
}

fn save(
    caller: &mut Caller,
    file: i64,
    part: i32,
    total: Option<i32>,
    bytes: Vec<u8>,
) -> Result<bool, RpcError> {
    if !(0..total.unwrap_or(MAX_PARTS)).contains(&part) {
        return Err(RpcError::bad("FILE_PART_INVALID"));
    }
    if bytes.is_empty() {
        return Err(RpcError::bad("FILE_PART_EMPTY"));
    }
    if bytes.len() > MAX_PART_SIZE {
        return Err(RpcError::bad("FILE_PART_TOO_BIG"));
    }
    let upload = caller
        .world
        .uploads
        .entry((caller.origin.dc, file))
        .or_insert_with(|| Upload {
            big: total.is_some(),
            total,
            ..Upload::default()
        });
    if upload.big != total.is_some() || upload.total != total {
        return Err(RpcError::bad("FILE_PARTS_INVALID"));
    }
    upload.parts.insert(part, bytes);
    Ok(true)
}
