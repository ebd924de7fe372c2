//! Users who join the scene's groups.

use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, UserSpec};

use super::{PostedPhoto, Scene};

/// The id of NOSPAM's account in configurations.
pub(crate) const NOSPAM: i64 = 450_000_001;

/// Describes a user with a photo, fully visible.
pub(crate) fn user_with_photo(name: &str) -> UserSpec {
    UserSpec::new(name).photo(PhotoSpec::jpeg().size(160, 160))
}

impl Scene {
    /// Adds a user with a photo.
    pub(crate) fn add_user(&self) -> i64 {
        self.sim.add_user(user_with_photo("Joiner"))
    }

    /// Lets a new user with a photo join the scene's group by a link; returns the user's id.
    pub(crate) fn join_user(&self) -> i64 {
        self.join_user_in(self.group)
    }

    /// Lets a new user with a photo join `group` by a link; returns the user's id.
    pub(crate) fn join_user_in(&self, group: i64) -> i64 {
        let user = self.add_user();
        self.sim.join(group, user, JoinKind::ByLink);
        user
    }

    /// Lets `count` new users with photos join the scene's group by a link; returns their ids in this order.
    pub(crate) fn join_users(&self, count: usize) -> Vec<i64> {
        (0..count).map(|_| self.join_user()).collect()
    }

    /// Lets a member leave the scene's group and join it again by a link; returns the id of the join's message.
    pub(crate) fn rejoin(&self, user: i64) -> i32 {
        self.sim.leave(self.group, user);
        self.sim.join(self.group, user, JoinKind::ByLink)
    }

    /// Sets `nospam_id`, and makes NOSPAM an administrator of `groups`.
    pub(crate) fn add_nospam(&mut self, groups: &[i64]) {
        self.set("bots", &format!("nospam_id = {NOSPAM}"));
        self.sim.add_user(UserSpec::new("NOSPAM").id(NOSPAM).bot());
        for group in groups {
            self.sim.join(*group, NOSPAM, JoinKind::ByLink);
            self.sim.set_admin(*group, NOSPAM, true);
        }
    }

    /// Refuses every download until the faults are cleared, so that photos stay queued.
    pub(crate) fn refuse_downloads(&self) {
        self.sim.fault(
            Match::method("upload.getFile"),
            Fault::error(500, "INTERNAL"),
        );
    }

    /// Refuses every post with a file until the faults are cleared, so that photos stay in the spool.
    pub(crate) fn refuse_file_posts(&self) {
        self.sim.fault(
            Match::method("messages.sendMedia"),
            Fault::error(500, "INTERNAL"),
        );
    }

    /// Finishes a test after which `posted` photos were posted: one more user joins, and the photo of that user has
    /// to be the next one and the last one.
    pub(crate) fn finish_with_next_photo(self, posted: usize) {
        let user = self.add_user();
        let message = self.sim.join(self.group, user, JoinKind::ByLink);
        let photos = self.wait_for_photos(posted + 1);
        assert_eq!(photos.len(), posted + 1, "{photos:?}");
        let PostedPhoto {
            user: of,
            message: by,
            ..
        } = photos[posted];
        assert_eq!((of, by), (user, i64::from(message)));
        self.finish();
    }
}
