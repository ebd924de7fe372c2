//! Users and their photos.

use std::sync::Arc;

use grammers_tl_types::{enums, types};

use super::Simulator;
use crate::options::{PhotoSpec, UserSpec, Visibility};
use crate::world::person::{Photo, User};

/// The first id of a user that does not name its own.
pub(super) const FIRST_USER: i64 = 6_500_000_000;

impl Simulator {
    /// Adds a user and returns its id.
    pub fn add_user(&self, mut spec: UserSpec) -> i64 {
        let photo = spec.photo.take().map(|photo| self.draw(photo));
        self.shared.change(|world| {
            let id = spec.id.unwrap_or_else(|| FIRST_USER + world.serial());
            let user = User::from_spec(world, id, spec, photo);
            world.users.insert(id, user);
            id
        })
    }

    /// Replaces or removes a user's photo without a push; the next object of the user shows the change. Returns the id of
    /// the new photo, or 0.
    pub fn set_photo(&self, user: i64, photo: Option<PhotoSpec>) -> i64 {
        let photo = photo.map(|photo| self.draw(photo));
        let id = photo.as_ref().map_or(0, |photo| photo.id);
        self.with_user(user, |user| user.photo = photo);
        id
    }

    /// Pushes `updateUser` with the user's object as updates show it.
    pub fn push_user(&self, user: i64) {
        self.shared.change(|world| {
            if !world.users.contains_key(&user) {
                return world.record_failure(format!("unknown user: {user}"));
            }
            let update = enums::Update::User(types::UpdateUser { user_id: user });
            let updates = world.updates(vec![update], vec![user], &[]);
            world.push(&updates, None);
        });
    }

    /// Sets how a user appears in updates.
    pub fn set_visibility(&self, user: i64, visibility: Visibility) {
        self.with_user(user, |user| user.visibility = visibility);
    }

    /// Sets whether the full object of a user has a constructor that no client knows. An answer that holds it cannot be
    /// parsed.
    pub fn set_unreadable_user(&self, user: i64, unreadable: bool) {
        self.with_user(user, |user| user.is_unreadable = unreadable);
    }

    /// Renames a user.
    pub fn set_name(&self, user: i64, first_name: &str, last_name: Option<&str>) {
        self.with_user(user, |user| {
            first_name.clone_into(&mut user.first_name);
            user.last_name = last_name.map(str::to_owned);
        });
    }

    /// Makes a user a deleted account.
    pub fn delete_user(&self, user: i64) {
        self.with_user(user, |user| {
            user.deleted = true;
            user.photo = None;
        });
    }

    /// Makes the next `times` downloads of a user's photo end halfway.
    pub fn truncate_photo(&self, user: i64, times: usize) {
        self.with_user(user, |user| {
            if let Some(photo) = &mut user.photo {
                photo.truncations = times;
            }
        });
    }

    /// Replaces the bytes of a user's photo by bytes that are not an image. The id remains.
    pub fn corrupt_photo(&self, user: i64) {
        self.with_user(user, |user| {
            if let Some(photo) = &mut user.photo {
                photo.bytes = Arc::from(&b"\x00\x01this is no image\x02\x03"[..]);
            }
        });
    }

    /// Returns the bytes of a user's photo, which are empty if there is no photo.
    pub fn photo_bytes(&self, user: i64) -> Vec<u8> {
        self.shared.read(|world| {
            world
                .users
                .get(&user)
                .and_then(|user| user.photo.as_ref())
                .map(|photo| photo.bytes.to_vec())
                .unwrap_or_default()
        })
    }

    /// Returns the id of a user's photo, if there is one.
    pub fn photo_id(&self, user: i64) -> Option<i64> {
        self.shared.read(|world| {
            let photo = world.users.get(&user)?.photo.as_ref()?;
            Some(photo.id)
        })
    }

    fn draw(&self, spec: PhotoSpec) -> Photo {
        let (id, size, quality) = self.shared.change(|world| {
            let id = world.random_id();
            (id, world.options.photo_size, world.options.photo_quality)
        });
        Photo::draw(spec, id, size, quality)
    }

    fn with_user(&self, user: i64, change: impl FnOnce(&mut User)) {
        self.shared
            .change(|world| match world.users.get_mut(&user) {
                Some(user) => change(user),
                None => world.record_failure(format!("unknown user: {user}")),
            });
    }
}
