//! Several instances that do one job (docs/several-accounts.md): when an instance forwards the photos of members who
//! belong to another one, and when it has to read HIDE first.
//!
//! Times are counted from the start of the process by its monotonic clock, so that a clock that is set changes nothing,
//! and nothing of this is stored: after a start every other instance counts as one that has just posted.

use std::time::Duration;

use crate::model::{MessageId, Share, Timestamp, UserId};

/// How long HIDE must have shown no photo of a remainder, and how old a photo must be in seconds, before another
/// instance than the member's own forwards it.
pub const SILENCE: Duration = Duration::from_secs(60);
const MIN_AGE: i64 = 60;
/// How much longer each further instance waits, for both. Without it, two instances that cover for a third one would
/// post the same photo, see each other's posts, and then wait together again.
const TURN_SECONDS: u32 = 5;
/// How many seconds before its row was made another instance's photo may have been posted or read.
const EARLIER: i64 = 600;
/// How long a reading of HIDE counts before a photo of an own member. Nobody covers for this instance within that time
/// after its last photo.
const FRESH_FOR_OWN: Duration = Duration::from_secs(10);
/// How long a reading of HIDE counts before a photo of another instance's member, if nothing was posted since.
const FRESH_FOR_OTHER: Duration = Duration::from_secs(5);
/// How long photos of own members wait for a HIDE that cannot be read. One photo too many costs less than one too few.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long HIDE is left alone after it could not be read, and other instances' members wait for it.
const PAUSE: Duration = Duration::from_secs(10);

/// When other instances than this one last showed a photo of each remainder.
#[derive(Clone, Debug)]
pub struct LastShown {
    share: Share,
    at: Vec<Duration>,
}

impl LastShown {
    /// Makes the record of an instance that starts `now`.
    #[must_use]
    pub fn new(share: Share, now: Duration) -> Self {
        let at = vec![now; usize::from(share.instances())];
        Self { share, at }
    }

    /// Records that HIDE showed a photo of `user` that this instance did not make.
    pub fn record(&mut self, user: UserId, now: Duration) {
        let remainder = usize::from(self.share.remainder_of(user));
        if let Some(at) = self.at.get_mut(remainder) {
            *at = now;
        }
    }

    /// Returns the remainders of other instances that have been silent for long enough, as the bits of a number.
    #[must_use]
    pub fn silent(&self, now: Duration) -> u64 {
        let others = self.others();
        let silent = others.filter(|(_, due_at)| *due_at <= now);
        silent.fold(0, |bits, (remainder, _)| bits | 1 << remainder)
    }

    /// Returns when the next remainder will have been silent for long enough.
    #[must_use]
    pub fn next_silent_at(&self, now: Duration) -> Option<Duration> {
        let later = self.others().map(|(_, due_at)| due_at);
        later.filter(|due_at| *due_at > now).min()
    }

    /// Returns the remainders of other instances, and when this instance may cover for each.
    fn others(&self) -> impl Iterator<Item = (u8, Duration)> {
        let own = self.share.own_remainder();
        let all = (0..self.share.instances()).zip(&self.at);
        all.filter(move |(remainder, _)| *remainder != own)
            .map(move |(remainder, at)| (remainder, *at + SILENCE + self.turn(remainder)))
    }

    /// Returns how much longer than [`SILENCE`] this instance waits: nothing if it is the next one after the instance
    /// that the remainder belongs to.
    fn turn(&self, remainder: u8) -> Duration {
        let (own, all) = (self.share.own_remainder(), self.share.instances());
        let distance = (own + all - remainder) % all;
        Duration::from_secs(u64::from(
            TURN_SECONDS * u32::from(distance.saturating_sub(1)),
        ))
    }
}

/// The ages at which a photo of another instance's member may be forwarded: the row was made at `until` or before, or
/// `turn` seconds earlier for each instance whose turn is before this one's. A row that was made after `from` is one
/// that a clock which was set back has left in the future, and counts as old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldEnough {
    pub until: Timestamp,
    pub turn: u32,
    pub from: Timestamp,
}

impl OldEnough {
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            until: now.plus(-MIN_AGE),
            turn: TURN_SECONDS,
            from: now.plus(MIN_AGE),
        }
    }
}

/// Returns when a row is old enough for the first instance whose turn it is.
#[must_use]
pub const fn old_enough_at(made_at: Timestamp) -> Timestamp {
    made_at.plus(MIN_AGE)
}

/// A photo of another instance in HIDE, for the group and user of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownAvatar {
    /// The message of the join, as the report names it; 0 if it names none.
    pub message: MessageId,
    pub posted_at: Timestamp,
    /// When this instance read the post.
    pub read_at: Timestamp,
}

/// A row that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// The message of the join, as the report will name it.
    pub message: MessageId,
    /// True if a recheck found the photo: earlier posts are of another one.
    pub recheck: bool,
    pub joined_at: Timestamp,
    pub made_at: Timestamp,
}

/// Returns true if a photo that was read before the row is made makes the row needless. A photo that is read later
/// always does.
///
/// An instance that was down reads both HIDE and the groups in its first minutes: a post that it read within ten
/// minutes counts if the user had joined by then.
#[must_use]
pub fn is_taken(shown: ShownAvatar, row: NewRow) -> bool {
    let is_recent = |at: Timestamp| at >= row.made_at.plus(-EARLIER);
    let is_of_join = shown.message == row.message
        || shown.message == MessageId::new(0)
        || row.message == MessageId::new(0);
    !row.recheck
        && is_of_join
        && (is_recent(shown.posted_at)
            || is_recent(shown.read_at) && shown.posted_at >= row.joined_at)
}

/// The time before which a photo that was read counts for no row that is made from now on.
#[must_use]
pub const fn forget_before(now: Timestamp) -> Timestamp {
    now.plus(-EARLIER)
}

/// The relation of this instance to a photo that it is about to post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poster {
    /// A member of this instance.
    Own,
    /// A member of another instance.
    Other,
    /// A photo whose post has begun: it may be in HIDE already, under its own id.
    Begun,
}

/// How well this instance knows HIDE.
#[derive(Clone, Copy, Debug, Default)]
pub struct HideReading {
    /// When HIDE was last read to its end.
    read_at: Option<Duration>,
    /// True if this instance has posted since.
    posted_since: bool,
    /// The first and the last failure since.
    failing: Option<Failing>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    since: Duration,
    last: Duration,
}

impl HideReading {
    /// Reports whether HIDE has to be read before a post.
    #[must_use]
    pub fn is_needed(&self, poster: Poster, now: Duration) -> bool {
        let is_fresh = |limit| {
            self.read_at
                .is_some_and(|at| now.saturating_sub(at) < limit)
        };
        match poster {
            Poster::Begun => false,
            Poster::Other => self.posted_since || !is_fresh(FRESH_FOR_OTHER),
            Poster::Own if is_fresh(FRESH_FOR_OWN) => false,
            Poster::Own => self.failing.is_none_or(|failing| {
                let gave_up = now.saturating_sub(failing.since) >= LONGEST_WAIT;
                !gave_up || now.saturating_sub(failing.last) >= PAUSE
            }),
        }
    }

    /// Returns when photos of other instances' members may be posted again, if they may not now.
    #[must_use]
    pub fn paused_until(&self, now: Duration) -> Option<Duration> {
        let until = self.failing.map(|failing| failing.last + PAUSE);
        until.filter(|until| *until > now)
    }

    /// Records that HIDE was read to its end.
    pub fn read(&mut self, now: Duration) {
        *self = Self {
            read_at: Some(now),
            ..Self::default()
        };
    }

    /// Records that HIDE could not be read.
    pub fn failed(&mut self, now: Duration) {
        let since = self.failing.map_or(now, |failing| failing.since);
        self.failing = Some(Failing { since, last: now });
    }

    /// Records a post of this instance.
    pub fn posted(&mut self) {
        self.posted_since = true;
    }
}

#[cfg(test)]
mod tests;
