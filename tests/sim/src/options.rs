//! What a simulator is started with, and how users and photos are described to it.

/// How a simulator starts; `default()` suits a test.
#[derive(Clone, Debug)]
pub struct Options {
    /// Access hashes, photo ids and pictures follow from it: the same seed gives the same world.
    pub seed: u64,
    /// Width and height of a profile photo that does not name its own.
    pub photo_size: (u32, u32),
    /// JPEG quality of profile photos, 1 to 100.
    pub photo_quality: u8,
    /// More events than this between a client's `pts` and the channel's give `channelDifferenceTooLong`.
    pub longest_difference: i32,
    /// Messages that a `channelDifferenceTooLong` carries at most.
    pub too_long_messages: usize,
    /// Whether requests and replies are kept whole. Without it only their first 1,024 bytes are, which a raid of
    /// thousands needs; [`Call::decode`](crate::Call::decode) then fails on longer ones.
    pub keep_bodies: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 79,
            photo_size: (640, 640),
            photo_quality: 85,
            longest_difference: 1000,
            too_long_messages: 10,
            keep_bodies: true,
        }
    }
}

/// How a user appears in updates, differences, messages and dialogs.
///
/// `users.getUsers`, `users.getFullUser` and lists of participants always show the whole user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// The whole user, with the access hash.
    Full,
    /// A `min` user: the hash is one that only opens profile photos.
    Min {
        /// Whether the photo is in the object, with the flag that says it may be taken from there.
        apply_min_photo: bool,
    },
}

/// A profile photo to be.
#[derive(Clone, Debug)]
pub struct PhotoSpec {
    pub(crate) dc: i32,
    pub(crate) size: Option<(u32, u32)>,
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) has_video: bool,
    pub(crate) personal: bool,
}

impl PhotoSpec {
    /// Describes a picture that the simulator draws, kept in the home data centre.
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

    /// Puts it into a data centre: [`HOME_DC`](crate::HOME_DC) or [`OTHER_DC`](crate::OTHER_DC).
    #[must_use]
    pub fn dc(self, dc: i32) -> Self {
        Self { dc, ..self }
    }

    /// Makes the drawn picture that wide and high.
    #[must_use]
    pub fn size(self, width: u32, height: u32) -> Self {
        Self {
            size: Some((width, height)),
            ..self
        }
    }

    /// Marks it as a video avatar (the still is what is downloaded).
    #[must_use]
    pub fn video(self) -> Self {
        Self {
            has_video: true,
            ..self
        }
    }

    /// Marks it as a photo that the account itself set for that contact.
    #[must_use]
    pub fn personal(self) -> Self {
        Self {
            personal: true,
            ..self
        }
    }
}

/// A user to be.
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
    /// Describes an ordinary user without a photo, seen whole.
    pub fn new(first_name: impl Into<String>) -> Self {
        Self {
            first_name: first_name.into(),
            last_name: None,
            username: None,
            about: None,
            bot: false,
            deleted: false,
            visibility: Visibility::Full,
            photo: None,
            id: None,
        }
    }

    /// Fixes the user's id, for instance to that of a fleet account in a configuration.
    #[must_use]
    pub fn id(self, id: i64) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// Gives a last name.
    #[must_use]
    pub fn last_name(self, last_name: impl Into<String>) -> Self {
        Self {
            last_name: Some(last_name.into()),
            ..self
        }
    }

    /// Gives a username.
    #[must_use]
    pub fn username(self, username: impl Into<String>) -> Self {
        Self {
            username: Some(username.into()),
            ..self
        }
    }

    /// Gives a bio, which `users.getFullUser` shows.
    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self {
            about: Some(about.into()),
            ..self
        }
    }

    /// Gives a profile photo.
    #[must_use]
    pub fn photo(self, photo: PhotoSpec) -> Self {
        Self {
            photo: Some(photo),
            ..self
        }
    }

    /// Makes it a bot.
    #[must_use]
    pub fn bot(self) -> Self {
        Self { bot: true, ..self }
    }

    /// Makes it a deleted account.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self {
            deleted: true,
            ..self
        }
    }

    /// Sets how it appears in updates.
    #[must_use]
    pub fn visibility(self, visibility: Visibility) -> Self {
        Self { visibility, ..self }
    }

    /// Makes it a `min` user in updates, with or without its photo.
    #[must_use]
    pub fn min(self, apply_min_photo: bool) -> Self {
        self.visibility(Visibility::Min { apply_min_photo })
    }
}
