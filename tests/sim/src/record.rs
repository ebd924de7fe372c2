//! The records of a run: calls with their outcomes, and posts.

use std::fmt;
use std::time::Duration;

use grammers_tl_types::{Deserializable, Identifiable, enums};

/// An error of Telegram's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// The code, for instance 420.
    pub code: i32,
    /// The message, for instance `FLOOD_WAIT_30`.
    pub message: String,
}

impl RpcError {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Makes an error with code 400.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

/// A call of a client, without wrappers like `invokeWithLayer`.
#[derive(Clone)]
pub struct Call {
    /// The number of the call, counted from 0 over all clients.
    pub seq: usize,
    /// The method's name, for instance `users.getUsers`.
    pub method: &'static str,
    /// The data centre that received the call.
    pub dc: i32,
    /// The account of the client.
    pub account: i64,
    /// The id of the connection on which the call came.
    pub connection: u64,
    /// The request: constructor id and arguments.
    pub request: Vec<u8>,
    /// The time of the call on the scale of [`World::elapsed`](crate::World::elapsed).
    pub at: Duration,
    pub outcome: Outcome,
    pub(crate) describe: fn(&[u8]) -> String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A fault holds the call or its reply.
    Pending,
    /// The call was done, and these bytes were its reply.
    Replied(Vec<u8>),
    /// The call was refused with this error.
    Failed(RpcError),
    /// The call was done, but the connection was closed before the reply.
    ReplyLost,
    /// A fault closed the connection before the call was done.
    Cut,
}

impl Call {
    /// Decodes the request if its type is `R`, for instance
    /// `call.decode::<functions::messages::SendMedia>()`.
    pub fn decode<R: Identifiable + Deserializable>(&self) -> Option<R> {
        let (id, rest) = self.request.split_first_chunk::<4>()?;
        (u32::from_le_bytes(*id) == R::CONSTRUCTOR_ID)
            .then(|| R::from_bytes(rest).ok())
            .flatten()
    }

    /// Returns a description of the request.
    pub fn describe(&self) -> String {
        (self.describe)(self.request.get(4..).unwrap_or_default())
    }

    /// Returns whether the reply was a result.
    pub fn succeeded(&self) -> bool {
        matches!(self.outcome, Outcome::Replied(_))
    }

    /// Returns the error if the reply was one.
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

/// A message in a chat that is not a service message.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    pub id: i32,
    /// The id of the author.
    pub from: i64,
    /// True if the author is one of the accounts.
    pub by_account: bool,
    /// The time in seconds since 1970.
    pub date: i32,
    /// The time on the scale of [`World::elapsed`](crate::World::elapsed).
    pub at: Duration,
    pub text: String,
    pub entities: Vec<enums::MessageEntity>,
    /// The `random_id` that the client sent; 0 for a post of a test.
    pub random_id: i64,
    /// True if the flag `silent` was set.
    pub silent: bool,
    pub file: Option<PostedFile>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PostedFile {
    /// The id of the document, which several posts may have.
    pub document: i64,
    /// The name in `documentAttributeFilename`, else that of the upload.
    pub name: String,
    pub mime: String,
    pub bytes: Vec<u8>,
    pub attributes: Vec<enums::DocumentAttribute>,
    /// True if the flag `force_file` was set.
    pub force_file: bool,
}
