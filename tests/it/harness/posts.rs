//! Photos, reports and lists that the daemon posted.

use scp_079_avatar::file_codec::{DecodedFile, Decoder};
use scp_079_avatar::list_file::ListFile;
use serde_json::Value;
use telegram_sim::Post;

use super::{PASSWORD, Scene};

/// A photo as the daemon posted it, its file opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PostedPhoto {
    pub(crate) group: i64,
    pub(crate) user: i64,
    pub(crate) message: i64,
    pub(crate) image: Vec<u8>,
    pub(crate) random_id: i64,
}

/// An envelope that the daemon posted.
pub(crate) struct Envelope {
    pub(crate) json: Value,
    pub(crate) post: Post,
}

impl Scene {
    /// Returns the channel that posts go to: EXCHANGE if the scene has one, else HIDE.
    pub(crate) fn target_channel(&self) -> i64 {
        self.exchange.unwrap_or(self.hide)
    }

    /// Returns the photos that were posted in the target channel.
    pub(crate) fn photos(&self) -> Vec<PostedPhoto> {
        self.photos_in(self.target_channel())
    }

    /// Returns the photos that were posted in `channel`.
    pub(crate) fn photos_in(&self, channel: i64) -> Vec<PostedPhoto> {
        self.sim
            .posts(channel)
            .into_iter()
            .filter(is_photo)
            .map(PostedPhoto::parse)
            .collect()
    }

    /// Returns the status reports with this word that were posted: "online" or "awake".
    pub(crate) fn reports(&self, word: &str) -> Vec<Post> {
        self.sim
            .posts(self.target_channel())
            .into_iter()
            .filter(|post| is_report(post, word))
            .collect()
    }

    /// Returns the envelopes of this action and type that were posted in the target channel.
    pub(crate) fn envelopes(&self, action: &str, kind: &str) -> Vec<Envelope> {
        self.envelopes_in(self.target_channel(), action, kind)
    }

    /// Returns the envelopes of this action and type that were posted in `channel`.
    pub(crate) fn envelopes_in(&self, channel: i64, action: &str, kind: &str) -> Vec<Envelope> {
        let posts = self.sim.posts(channel).into_iter();
        posts
            .filter(|post| post.by_account)
            .filter_map(|post| {
                let json: Value = serde_json::from_str(&post.text).ok()?;
                (json["action"] == action && json["type"] == kind)
                    .then_some(Envelope { json, post })
            })
            .collect()
    }
}

impl Envelope {
    /// Opens the envelope's file.
    pub(crate) fn open(&self) -> DecodedFile {
        open_file(&self.post.file.as_ref().expect("a file").bytes)
    }

    /// Opens the envelope's file, which has to be a text.
    pub(crate) fn text(&self) -> String {
        match self.open() {
            DecodedFile::Other(plain) => String::from_utf8(plain).expect("UTF-8"),
            other => panic!("not a text: {other:?}"),
        }
    }
}

impl PostedPhoto {
    fn parse(post: Post) -> Self {
        let file = post.file.expect("a file");
        assert_eq!(file.mime, "application/octet-stream");
        assert!(file.force_file);
        assert_eq!(file.name.len(), 8, "{}", file.name);
        let caption: Value = serde_json::from_str(&post.text).expect("JSON");
        assert_eq!(caption["from"], "AVATAR");
        assert_eq!(caption["to"][0], "NOSPAM");
        assert_eq!(caption["action"], "update");
        assert_eq!(caption["type"], "avatar");
        let number = |key: &str| caption["data"][key].as_i64().expect("a number");
        let image = match open_file(&file.bytes) {
            DecodedFile::Photo(image) | DecodedFile::Other(image) => image,
            DecodedFile::List(_) => panic!("a list in place of a photo"),
        };
        Self {
            group: number("group_id"),
            user: number("user_id"),
            message: number("message_id"),
            image,
            random_id: post.random_id,
        }
    }
}

/// Opens a file of either kind under the scene's password.
pub(crate) fn open_file(bytes: &[u8]) -> DecodedFile {
    thread_local! {
        // Deriving a key is slow, and the files of one daemon share theirs.
        static DECODER: Decoder = Decoder::new(&PASSWORD.into());
    }
    DECODER.with(|decoder| decoder.decode(bytes).expect("a file that opens"))
}

/// Opens a file that has to be a list.
pub(crate) fn open_list(bytes: &[u8]) -> ListFile {
    match open_file(bytes) {
        DecodedFile::List(list) => list,
        other => panic!("not a list: {other:?}"),
    }
}

pub(super) fn is_photo(post: &Post) -> bool {
    post.by_account && post.file.is_some()
}

pub(super) fn is_report(post: &Post, word: &str) -> bool {
    post.by_account && post.file.is_none() && post.text.contains(&format!("\"{word}\""))
}
