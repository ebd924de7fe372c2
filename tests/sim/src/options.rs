//! The options of a simulator, and the descriptions of users and photos that a test adds.

use std::time::Duration;

use crate::flood_limit::FloodLimit;

/// The options of a simulator. By default it is as impolite as Telegram: pushes are late, most users are `min`,
/// lists of dialogs are flood-limited, and a gap of a hundred events is too long for a difference.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed of access hashes, photo ids and pictures. The same seed gives the same world.
    pub seed: u64,
    /// The private RSA key of the server in PEM, PKCS #1 or PKCS #8, of 2,048 bits. Otherwise one is made when it is first
    /// needed.
    pub rsa_key: Option<String>,
    /// The width and height of a profile photo whose description has none.
    pub photo_size: (u32, u32),
    /// The JPEG quality of profile photos, 1 to 100.
    pub photo_quality: u8,
    /// The longest delay of a push; most are much shorter, and some overtake others. Zero gives pushes at once and in
    /// their order.
    pub latest_push: Duration,
    /// The largest gap between a client's `pts` and the channel's that does not give `channelDifferenceTooLong`.
    pub longest_difference: i32,
    /// True if a gap of more events than the call's `limit` gives `channelDifferenceTooLong`, too. Older documentation
    /// says so.
    pub too_long_beyond_limit: bool,
    /// The most messages that a `channelDifferenceTooLong` carries.
    pub too_long_messages: usize,
    /// The flood limits that are in force from the start. [`Simulator::limit_calls`](crate::Simulator::limit_calls)
    /// changes them.
    pub flood_limits: Vec<FloodLimit>,
    /// True if the objects of groups have `participants_count`. `channels.getFullChannel` always returns it.
    pub participants_count_in_chats: bool,
    /// True if requests and replies are recorded whole. Otherwise only their first 1,024 bytes are recorded, which a raid
    /// of thousands needs, and [`Call::decode`](crate::Call::decode) returns `None` for longer ones.
    pub keep_bodies: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 79,
            rsa_key: None,
            photo_size: (640, 640),
            photo_quality: 85,
            latest_push: Duration::from_secs(3),
            longest_difference: 100,
            too_long_beyond_limit: false,
            too_long_messages: 10,
            // A list that starts over at a FLOOD_WAIT of about 20 seconds never ends if it has more pages.
            flood_limits: vec![
                FloodLimit::new("messages.getDialogs", 5, Duration::from_secs(20)),
                FloodLimit::new("channels.getParticipants", 10, Duration::from_secs(10))
                    .with_penalty(Duration::from_secs(30)),
                FloodLimit::new("channels.getFullChannel", 5, Duration::from_secs(30))
                    .with_penalty(Duration::from_secs(26)),
            ],
            participants_count_in_chats: false,
            keep_bodies: true,
        }
    }
}

/// How a user appears in updates, differences, messages and dialogs.
///
/// `users.getUsers`, `users.getFullUser` and lists of participants always return the full user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// The full user, with the access hash.
    Full,
    /// A `min` user, whose access hash opens profile photos only.
    Min {
        /// True if the object has the photo and the flag `apply_min_photo`.
        apply_min_photo: bool,
    },
}

/// The description of a profile photo.
#[derive(Clone, Debug)]
pub struct PhotoSpec {
    pub(crate) dc: i32,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) has_video: bool,
    pub(crate) personal: bool,
}

impl PhotoSpec {
    /// Describes a picture that the simulator draws and stores in the home data centre.
    pub fn jpeg() -> Self {
        Self {
            dc: crate::HOME_DC,
            size: None,
            bytes: None,
            has_video: false,
            personal: false,
        }
    }

    /// Describes a photo with exactly these bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: Some(bytes.into()),
            ..Self::jpeg()
        }
    }

    /// Stores the photo in a data centre: [`HOME_DC`](crate::HOME_DC) or [`OTHER_DC`](crate::OTHER_DC).
    #[must_use]
    pub fn dc(self, dc: i32) -> Self {
        Self { dc, ..self }
    }

    /// Sets the size of the drawn picture in pixels.
    #[must_use]
    pub fn size(self, width: u32, height: u32) -> Self {
        Self {
            size: Some((width, height)),
            ..self
        }
    }

    /// Marks the photo as a video avatar, of which the still is downloaded.
    #[must_use]
    pub fn video(self) -> Self {
        Self {
            has_video: true,
            ..self
        }
    }

    /// Marks the photo as one that the account itself set for that contact.
    #[must_use]
    pub fn personal(self) -> Self {
        Self {
            personal: true,
            ..self
        }
    }
}

/// The description of a user.
#[derive(Clone, Debug)]
pub struct UserSpec {
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) about: Option<String>,
    pub(crate) bot: bool,
    pub(crate) deleted: bool,
    pub(crate) visibility: Visibility,
    pub(crate) photo: Option<PhotoSpec>,
    pub(crate) id: Option<i64>,
}

impl UserSpec {
    /// Describes an ordinary user without a photo. In updates the user is `min`, with the flag `apply_min_photo`.
    pub fn new(first_name: impl Into<String>) -> Self {
        Self {
            first_name: first_name.into(),
            last_name: None,
            username: None,
            about: None,
            bot: false,
            deleted: false,
            visibility: Visibility::Min {
                apply_min_photo: true,
            },
            photo: None,
            id: None,
        }
    }

    /// Sets the user's id. Otherwise the simulator chooses one.
    #[must_use]
    pub fn id(self, id: i64) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    #[must_use]
    pub fn last_name(self, last_name: impl Into<String>) -> Self {
        Self {
            last_name: Some(last_name.into()),
            ..self
        }
    }

    #[must_use]
    pub fn username(self, username: impl Into<String>) -> Self {
        Self {
            username: Some(username.into()),
            ..self
        }
    }

    /// Sets the bio, which `users.getFullUser` returns.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self {
            about: Some(about.into()),
            ..self
        }
    }

    #[must_use]
    pub fn photo(self, photo: PhotoSpec) -> Self {
        Self {
            photo: Some(photo),
            ..self
        }
    }

    #[must_use]
    pub fn bot(self) -> Self {
        Self { bot: true, ..self }
    }

    #[must_use]
    pub fn deleted(self) -> Self {
        Self {
            deleted: true,
            ..self
        }
    }

    /// Sets how the user appears in updates.
    #[must_use]
    pub fn visibility(self, visibility: Visibility) -> Self {
        Self { visibility, ..self }
    }

    /// Makes the user fully visible in updates.
    #[must_use]
    pub fn full(self) -> Self {
        self.visibility(Visibility::Full)
    }

    /// Makes the user a `min` user in updates, with or without the photo.
    #[must_use]
    pub fn min(self, apply_min_photo: bool) -> Self {
        self.visibility(Visibility::Min { apply_min_photo })
    }
}
