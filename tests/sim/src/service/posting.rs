//! `messages.sendMessage` and `messages.sendMedia`, with the checks that Telegram makes before it accepts a post.

use grammers_tl_types::{Deserializable, Identifiable, enums, functions, types};
use md5::{Digest, Md5};

use super::files::{MAX_PARTS, check_part_size};
use crate::HOME_DC;
use crate::clock;
use crate::dispatch::{Caller, Handler};
use crate::mtproto::constructor;
use crate::record::RpcError;
use crate::world::World;
use crate::world::chat::{Chat, Content, Document, Event, EventKind, FILE_REFERENCE_LENGTH};

/// The size above which `upload.saveBigFilePart` is required.
const MAX_SMALL_FILE: usize = 10 * 1024 * 1024;

impl Handler for functions::messages::SendMessage {
    fn handle(self, caller: &mut Caller) -> Result<enums::Updates, RpcError> {
        let chat = writable(caller.world, &self.peer)?.id;
        if let Some(earlier) = repeated(caller.world, chat, self.random_id)? {
            return Ok(earlier);
        }
        let entities = self.entities.unwrap_or_default();
        if self.message.is_empty() {
            return Err(RpcError::bad("MESSAGE_EMPTY"));
        }
        check_text(&self.message, &entities, 4096, "MESSAGE_TOO_LONG")?;
        let content = Content::Text {
            text: self.message,
            entities,
            document: None,
            random_id: self.random_id,
            forwarded_from: None,
        };
        Ok(post(caller, chat, self.random_id, content, self.silent))
    }
}

impl Handler for functions::messages::SendMedia {
    fn handle(self, caller: &mut Caller) -> Result<enums::Updates, RpcError> {
        let chat = writable(caller.world, &self.peer)?.id;
        if let Some(earlier) = repeated(caller.world, chat, self.random_id)? {
            return Ok(earlier);
        }
        let entities = self.entities.unwrap_or_default();
        check_text(&self.message, &entities, 1024, "MEDIA_CAPTION_TOO_LONG")?;
        let document = match self.media {
            enums::InputMedia::UploadedDocument(media) => take_document(caller.world, media)?,
            enums::InputMedia::Document(media) => known_document(caller.world, &media.id)?,
            _ => return Err(RpcError::bad("MEDIA_INVALID")),
        };
        let content = Content::Text {
            text: self.message,
            entities,
            document: Some(document),
            random_id: self.random_id,
            forwarded_from: None,
        };
        Ok(post(caller, chat, self.random_id, content, self.silent))
    }
}

/// Returns the chat and `random_id` of a request to post.
pub(crate) fn post_id(query: &[u8]) -> Option<(i64, i64)> {
    let (peer, random_id) = match constructor(query)? {
        functions::messages::SendMessage::CONSTRUCTOR_ID => {
            let request = functions::messages::SendMessage::from_bytes(&query[4..]).ok()?;
            (request.peer, request.random_id)
        }
        functions::messages::SendMedia::CONSTRUCTOR_ID => {
            let request = functions::messages::SendMedia::from_bytes(&query[4..]).ok()?;
            (request.peer, request.random_id)
        }
        _ => return None,
    };
    match peer {
        enums::InputPeer::Channel(peer) => Some((peer.channel_id, random_id)),
        _ => None,
    }
}

/// Finds the chat, in which the account has to be allowed to write.
fn writable<'a>(world: &'a World, peer: &enums::InputPeer) -> Result<&'a Chat, RpcError> {
    let chat = world.peer_chat(peer)?;
    let member = &chat.members[&world.me];
    match (chat.broadcast, chat.can_post) {
        (true, true) if member.admin => Ok(chat),
        (false, true) => Ok(chat),
        (true, _) => Err(RpcError::bad("CHAT_ADMIN_REQUIRED")),
        (false, false) => Err(RpcError::new(403, "CHAT_WRITE_FORBIDDEN")),
    }
}

/// Returns the updates of the earlier post if this `random_id` was used before.
fn repeated(world: &World, chat: i64, random_id: i64) -> Result<Option<enums::Updates>, RpcError> {
    if random_id == 0 {
        return Err(RpcError::bad("RANDOM_ID_EMPTY"));
    }
    if world.in_progress.contains(&(chat, random_id)) {
        return Err(RpcError::new(500, "RANDOM_ID_DUPLICATE"));
    }
    Ok(world
        .sent
        .get(&(chat, random_id))
        .map(|id| confirmation(world, chat, random_id, *id)))
}

fn check_text(
    text: &str,
    entities: &[enums::MessageEntity],
    longest: usize,
    too_long: &str,
) -> Result<(), RpcError> {
    let length = text.encode_utf16().count();
    if length > longest {
        return Err(RpcError::bad(too_long));
    }
    let inside = |entity: &enums::MessageEntity| {
        let (offset, size) = (entity.offset(), entity.length());
        offset >= 0
            && size > 0
            && usize::try_from(i64::from(offset) + i64::from(size)).is_ok_and(|end| end <= length)
    };
    if entities.len() > 100 {
        return Err(RpcError::bad("ENTITIES_TOO_LONG"));
    }
    if entities.iter().all(inside) {
        Ok(())
    } else {
        Err(RpcError::bad("ENTITY_BOUNDS_INVALID"))
    }
}

/// Finds a document that was posted before.
fn known_document(world: &World, id: &enums::InputDocument) -> Result<i64, RpcError> {
    let enums::InputDocument::Document(id) = id else {
        return Err(RpcError::bad("MEDIA_EMPTY"));
    };
    let document = world
        .documents
        .get(&id.id)
        .filter(|document| document.hash_for(world.me) == id.access_hash)
        .ok_or_else(|| RpcError::bad("MEDIA_EMPTY"))?;
    match id.file_reference.len() {
        _ if document.file_reference == id.file_reference => Ok(id.id),
        0 => Err(RpcError::bad("FILE_REFERENCE_EMPTY")),
        FILE_REFERENCE_LENGTH => Err(RpcError::bad("FILE_REFERENCE_EXPIRED")),
        _ => Err(RpcError::bad("FILE_REFERENCE_INVALID")),
    }
}

/// Makes a document of an upload, which is removed.
fn take_document(
    world: &mut World,
    media: types::InputMediaUploadedDocument,
) -> Result<i64, RpcError> {
    let (file, parts, name, md5, big) = match media.file {
        enums::InputFile::File(file) => (file.id, file.parts, file.name, file.md5_checksum, false),
        enums::InputFile::Big(file) => (file.id, file.parts, file.name, String::new(), true),
        enums::InputFile::StoryDocument(_) => return Err(RpcError::bad("MEDIA_INVALID")),
    };
    if !(1..=MAX_PARTS).contains(&parts) {
        return Err(RpcError::bad("FILE_PARTS_INVALID"));
    }
    let bytes = assemble(world, file, parts, big)?;
    if !md5.is_empty() && md5 != hex(&Md5::digest(&bytes)) {
        return Err(RpcError::bad("MD5_CHECKSUM_INVALID"));
    }
    world.uploads.remove(&(HOME_DC, file));
    let id = world.random_id();
    let attributed = media
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            enums::DocumentAttribute::Filename(attribute) => Some(attribute.file_name.clone()),
            _ => None,
        });
    let document = Document {
        id,
        access_hash: world.random(),
        file_reference: world.file_reference(),
        date: clock::unix(),
        name: attributed.unwrap_or(name),
        mime: media.mime_type,
        attributes: media.attributes,
        force_file: media.force_file,
        bytes,
    };
    world.documents.insert(id, document);
    Ok(id)
}

/// Joins the parts of an upload.
fn assemble(world: &World, file: i64, parts: i32, big: bool) -> Result<Vec<u8>, RpcError> {
    let missing = |part: i32| RpcError::bad(format!("FILE_PART_{part}_MISSING"));
    let upload = world
        .uploads
        .get(&(HOME_DC, file))
        .ok_or_else(|| missing(0))?;
    if upload.big != big || upload.total.is_some_and(|total| total != parts) {
        return Err(RpcError::bad("FILE_PARTS_INVALID"));
    }
    let size = upload.parts.get(&0).ok_or_else(|| missing(0))?.len();
    if parts > 1 {
        check_part_size(size)?;
    }
    let mut bytes = Vec::new();
    for number in 0..parts {
        let part = upload.parts.get(&number).ok_or_else(|| missing(number))?;
        let last = number + 1 == parts;
        if (!last && part.len() != size) || part.len() > size {
            return Err(RpcError::bad("FILE_PART_SIZE_CHANGED"));
        }
        bytes.extend_from_slice(part);
    }
    if !big && bytes.len() > MAX_SMALL_FILE {
        return Err(RpcError::bad("FILE_PARTS_INVALID"));
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn post(
    caller: &mut Caller,
    chat: i64,
    random_id: i64,
    content: Content,
    silent: bool,
) -> enums::Updates {
    let me = caller.world.me;
    let id = caller
        .world
        .add_message(chat, me, content, silent, Some(caller.origin.connection));
    caller.world.sent.insert((chat, random_id), id);
    confirmation(caller.world, chat, random_id, id)
}

/// Returns the reply to a post: the id of its message, and the message itself while it exists.
fn confirmation(world: &World, chat: i64, random_id: i64, id: i32) -> enums::Updates {
    let mut updates = vec![enums::Update::MessageId(types::UpdateMessageId {
        id,
        random_id,
    })];
    let found = &world.chats[&chat];
    let creates_message = |event: &&Event| matches!(event.kind, EventKind::New(new) if new == id);
    if let Some(event) = found.events.iter().rev().find(creates_message) {
        updates.extend(world.update_of(found, event));
    }
    world.updates(updates, vec![world.me], &[chat])
}
