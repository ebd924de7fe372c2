//! What is written down of a run: calls with their outcomes, and what was posted.

use std::fmt;
use std::time::Duration;

use grammers_tl_types::{Deserializable, Identifiable, enums};

/// An answer that is an error, as Telegram's API puts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// For instance 400, 401, 420.
    pub code: i32,
    /// For instance `FLOOD_WAIT_30`.
    pub message: String,
}

impl RpcError {
    /// Makes an error of that code and message.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Makes a 400.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

/// One call of a client, wrappers like `invokeWithLayer` taken off.
#[derive(Clone)]
pub struct Call {
    /// Counts all calls of all clients from 0.
    pub seq: usize,
    /// The method as Telegram names it, for instance `users.getUsers`.
    pub method: &'static str,
    /// The data centre that was asked.
    pub dc: i32,
    /// The connection that it came on; they are numbered from 1.
    pub connection: u64,
    /// The request: constructor id and arguments.
    pub request: Vec<u8>,
    /// When it came, by [`World::elapsed`](crate::World::elapsed).
    pub at: Duration,
    /// What became of it.
    pub outcome: Outcome,
    pub(crate) describe: fn(&[u8]) -> String,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A fault holds it back, or its reply.
    Pending,
    /// It was done, and answered with these bytes.
    Replied(Vec<u8>),
    /// It was refused.
    Failed(RpcError),
    /// It was done, but the connection was cut in place of a reply.
    ReplyLost,
    /// The connection was cut before anything was done.
    Cut,
}

impl Call {
    /// Reads the request, if it is one of type `R`, for instance
    /// `call.decode::<functions::messages::SendMedia>()`.
    pub fn decode<R: Identifiable + Deserializable>(&self) -> Option<R> {
        let (id, rest) = self.request.split_first_chunk::<4>()?;
        (u32::from_le_bytes(*id) == R::CONSTRUCTOR_ID)
            .then(|| R::from_bytes(rest).ok())
            .flatten()
    }

    /// Returns the request in words.
    pub fn describe(&self) -> String {
        (self.describe)(self.request.get(4..).unwrap_or_default())
    }

    /// Returns whether the call was answered with something that is no error.
    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, Outcome::Replied(_))
    }

    /// Returns the error that it was answered with.
    pub fn error(&self) -> Option<&RpcError> {
        match &self.outcome {
            Outcome::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match &self.outcome {
            Outcome::Replied(bytes) => format!("{} bytes", bytes.len()),
            Outcome::Failed(error) => error.to_string(),
            other => format!("{other:?}"),
        };
        write!(
            f,
            "#{} dc {} {} -> {outcome}",
            self.seq, self.dc, self.method
        )
    }
}

/// A message in a chat that is no service message.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// The message's id.
    pub id: i32,
    /// Who wrote it.
    pub from: i64,
    /// Whether the account under test did.
    pub by_account: bool,
    /// When, in seconds since 1970.
    pub date: i32,
    /// When, by [`World::elapsed`](crate::World::elapsed).
    pub at: Duration,
    /// The text, or the caption.
    pub text: String,
    /// Its entities.
    pub entities: Vec<enums::MessageEntity>,
    /// The id that its sender gave it; 0 for what a script posted.
    pub random_id: i64,
    /// Whether it was sent without a sound.
    pub silent: bool,
    /// The file that it came with.
    pub file: Option<PostedFile>,
}

/// A file in a post.
#[derive(Clone, Debug, PartialEq)]
pub struct PostedFile {
    /// From `documentAttributeFilename`, else the name that the upload had.
    pub name: String,
    /// The MIME type.
    pub mime: String,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The attributes as they were sent.
    pub attributes: Vec<enums::DocumentAttribute>,
    /// Whether `force_file` was set.
    pub force_file: bool,
}
