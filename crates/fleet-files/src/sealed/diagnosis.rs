//! Finds out what is wrong with a chunk that does not open, from keys and tags alone.
//!
//! Runs only after a refusal and changes nothing about it; no plaintext that was not authenticated is looked at.

use std::io::Read;

use aead_stream::StreamPrimitive;

use super::fault::SealedFault;
use super::header::Header;
use super::key::Key;
use super::{CHUNK, TAG, count_rest};

/// The chunk that did not open, and what was read behind it (empty at the end of the file).
pub(super) struct Suspect<'a> {
    pub(super) position: u32,
    pub(super) chunk: &'a mut Vec<u8>,
    pub(super) next: &'a mut Vec<u8>,
}

impl Suspect<'_> {
    pub(super) fn diagnose(self, header: &Header, key: &Key, rest: impl Read) -> SealedFault {
        let position = self.position;
        let is_last = self.next.is_empty();
        let is_full = self.chunk.len() == CHUNK + TAG;
        let stream = key.stream(&header.prefix);
        let opens = |position, is_last, chunk: &mut Vec<u8>| {
            stream
                .decrypt_in_place(position, is_last, &header.bytes, chunk)
                .is_ok()
        };
        if self.chunk.len() < TAG || (is_last && opens(position, false, self.chunk)) {
            return SealedFault::Truncated;
        }
        let key_is_ours = key.made(&header.prefix);
        if key_is_ours {
            let behind = match count_rest(rest) {
                Ok(length) => self.next.len() as u64 + length,
                Err(fault) => return fault,
            };
            let before = u64::from(position) * (CHUNK + TAG) as u64;
            let length = plain_length(before + self.chunk.len() as u64 + behind);
            if length.is_some_and(|length| key.made_for_length(&header.prefix, length)) {
                return SealedFault::Damaged { position };
            }
        }
        let next_opens = !is_last
            && (opens(position.saturating_add(1), false, self.next)
                || opens(position.saturating_add(1), true, self.next));
        if !next_opens {
            // The real last chunk may end anywhere in what was read. A refused chunk is left as it is, so that
            // one buffer serves every try; a full chunk takes about a second.
            while self.chunk.len() >= TAG {
                if opens(position, true, self.chunk) {
                    return SealedFault::TrailingBytes;
                }
                self.chunk.pop();
            }
        }
        match (key_is_ours, is_last && !is_full) {
            (true, _) => SealedFault::Truncated,
            (false, _) if position == 0 && !next_opens => SealedFault::WrongPassword,
            (false, true) => SealedFault::DamagedOrCut { position },
            (false, false) => SealedFault::Damaged { position },
        }
    }
}

/// The plaintext bytes in so many bytes of chunks, if a writer's chunks can add up to that.
fn plain_length(sealed: u64) -> Option<u64> {
    let full = (CHUNK + TAG) as u64;
    let tag = TAG as u64;
    let last_is_possible = match sealed % full {
        0 => sealed > 0,
        last if sealed < full => last >= tag,
        last => last > tag,
    };
    last_is_possible.then(|| sealed - sealed.div_ceil(full) * tag)
}
