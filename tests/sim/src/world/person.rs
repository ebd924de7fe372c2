//! Users and their photos.

use std::sync::Arc;

use grammers_tl_types::{enums, types};

use super::World;
use crate::blank;
use crate::options::{PhotoSpec, UserSpec, Visibility};
use crate::picture;

pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) access_hash: i64,
    pub(crate) min_hash: i64,
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) about: Option<String>,
    pub(crate) bot: bool,
    pub(crate) deleted: bool,
    pub(crate) visibility: Visibility,
    pub(crate) photo: Option<Photo>,
    /// The full object has a constructor that no client knows.
    pub(crate) is_unreadable: bool,
}

#[derive(Clone)]
pub(crate) struct Photo {
    pub(crate) id: i64,
    pub(crate) dc: i32,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) has_video: bool,
    pub(crate) personal: bool,
    /// The number of next downloads that end halfway.
    pub(crate) truncations: usize,
    /// True if the present download ends halfway.
    pub(crate) truncated: bool,
}

impl User {
    pub(crate) fn new(world: &mut World, id: i64, first_name: String) -> Self {
        Self {
            id,
            access_hash: world.random(),
            min_hash: world.random(),
            first_name,
            last_name: None,
            username: None,
            about: None,
            bot: false,
            deleted: false,
            visibility: Visibility::Full,
            photo: None,
            is_unreadable: false,
        }
    }

    pub(crate) fn from_spec(
        world: &mut World,
        id: i64,
        spec: UserSpec,
        photo: Option<Photo>,
    ) -> Self {
        Self {
            last_name: spec.last_name,
            username: spec.username,
            about: spec.about,
            bot: spec.bot,
            deleted: spec.deleted,
            visibility: spec.visibility,
            photo,
            ..Self::new(world, id, spec.first_name)
        }
    }

    /// Returns the full object, as `users.getUsers` does.
    pub(crate) fn full(&self, me: i64) -> enums::User {
        enums::User::User(types::User {
            is_self: self.id == me,
            deleted: self.deleted,
            bot: self.bot,
            bot_info_version: self.bot.then_some(1),
            id: self.id,
            access_hash: Some(self.access_hash),
            first_name: (!self.deleted).then(|| self.first_name.clone()),
            last_name: self.last_name.clone().filter(|_| !self.deleted),
            username: self.username.clone().filter(|_| !self.deleted),
            photo: self.photo.as_ref().map(Photo::object),
            ..blank::user()
        })
    }

    /// Returns the object as updates, differences and messages show it.
    pub(crate) fn visible(&self, me: i64) -> enums::User {
        let Visibility::Min { apply_min_photo } = self.visibility else {
            return self.full(me);
        };
        enums::User::User(types::User {
            min: true,
            apply_min_photo,
            deleted: self.deleted,
            bot: self.bot,
            bot_info_version: self.bot.then_some(1),
            id: self.id,
            access_hash: Some(self.min_hash),
            first_name: (!self.deleted).then(|| self.first_name.clone()),
            last_name: self.last_name.clone().filter(|_| !self.deleted),
            username: self.username.clone().filter(|_| !self.deleted),
            photo: self
                .photo
                .as_ref()
                .filter(|_| apply_min_photo)
                .map(Photo::object),
            ..blank::user()
        })
    }
}

impl Photo {
    /// Makes a photo from its description. Call it outside the lock, because it draws the picture.
    pub(crate) fn draw(spec: PhotoSpec, id: i64, size: (u32, u32), quality: u8) -> Self {
        let (width, height) = spec.size.unwrap_or(size);
        let bytes = spec
            .bytes
            .unwrap_or_else(|| picture::jpeg(id.cast_unsigned(), width, height, quality));
        Self {
            id,
            dc: spec.dc,
            bytes: bytes.into(),
            has_video: spec.has_video,
            personal: spec.personal,
            truncations: 0,
            truncated: false,
        }
    }

    fn object(&self) -> enums::UserProfilePhoto {
        enums::UserProfilePhoto::Photo(types::UserProfilePhoto {
            has_video: self.has_video,
            personal: self.personal,
            photo_id: self.id,
            stripped_thumb: None,
            dc_id: self.dc,
        })
    }
}
