//! Judges whether an instance does its work: the first line of `status`, and `status --check`.
//!
//! The module is pure: [`Signs`] come in, a [`Verdict`] goes out. docs/status.md has the table of reasons and thresholds.
//! The trouble of a program that does not run is only that: everything else is a consequence, or is known again once the
//! program runs.

use serde::Serialize;

use super::RunState;
use crate::decide::RECORD_INTERVAL;
use crate::model::{Timestamp, as_json};

/// A record of the process is missing if it is older than three of its intervals, in seconds.
const MAX_RECORD_AGE: i64 = 3 * RECORD_INTERVAL;
/// How old, in seconds, the last answer may be. A silent connection is replaced within 28 s, the first answer over a new
/// one may take 30 s, and the stored time is up to [`RECORD_INTERVAL`] old. So one lost connection is no trouble.
const MAX_SILENCE: i64 = 28 + 30 + RECORD_INTERVAL + 2;
/// How late a job may be, in seconds. A later run would be one that catches up a missed time.
const MAX_JOB_DELAY: i64 = 300;
/// How long a photo may wait, in seconds. A rate limit on posts lasts minutes, and a raid of 500 photos at a post every 3 s
/// lasts 25 minutes.
const MAX_PHOTO_WAIT: i64 = 30 * 60;
/// How long, in seconds, a group that the account has left is trouble.
pub(super) const LEFT_GROUP_IS_TROUBLE: i64 = 24 * 3600;
/// The number of failed photos within an hour that is trouble, as of refused posts in a row that are an outage.
const MANY_FAILED: u64 = 3;
/// Fewer failed photos than one of this many are no trouble: their owners may have removed them.
const SETTLED_PER_FAILED: u64 = 10;

/// The first line of `status`. The fields are those of the JSON (docs/json-output.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub state: Condition,
    /// The reasons of another state than `ok`.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Ok,
    Trouble,
    /// The program does not run, because a signal ended it, or it never ran; or another command uses the data directory.
    Stopped,
}

/// Why an instance is not `ok`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub kind: ReasonKind,
    #[serde(serialize_with = "as_json::time_if_known")]
    pub since: Option<Timestamp>,
    /// How many jobs, groups or photos.
    pub count: Option<u64>,
    /// The names of jobs or groups, the private channel, or the error that ended the program.
    pub detail: Option<String>,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::IntoStaticStr, strum::VariantArray,
)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum ReasonKind {
    NeverRan,
    /// A signal ended the program.
    Ended,
    /// Another process holds the data directory: a start, an end, or another command.
    Busy,
    /// An error ended the program.
    Failed,
    /// The program ended without a record of its end.
    Died,
    /// The process lives, but stores nothing.
    Frozen,
    /// Telegram does not answer.
    NoContact,
    /// The program posts nothing, because Telegram does not show the posts since the copy of a restore.
    PostsUnread,
    /// The account is not in HIDE or EXCHANGE.
    NotInChannel,
    /// The account may not post where posts go to.
    CannotPost,
    JobMissed,
    PhotosWait,
    GroupLeft,
    /// Photos were dropped because they waited for too long.
    PhotosExpired,
    /// Photos were dropped because they could not be downloaded or posted.
    PhotosFailed,
}

impl ReasonKind {
    pub const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The facts from which the verdict follows.
#[derive(Clone, Debug, Default)]
pub struct Signs {
    pub run_state: RunState,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub ended_because: Option<String>,
    pub alive_at: Option<Timestamp>,
    pub last_contact_at: Option<Timestamp>,
    /// The time of the copy of a restore, until the posts since then were read.
    pub restored_from: Option<Timestamp>,
    /// The private channels that the program needs, as far as they were ever seen.
    pub channels: Vec<NeededChannel>,
    pub jobs: Vec<NextRun>,
    /// When the oldest photo of an own member was enqueued that waits.
    pub oldest_photo_at: Option<Timestamp>,
    pub left_groups: Vec<LeftGroup>,
    /// The photos of the last hour.
    pub photos: SettledPhotos,
}

/// HIDE or EXCHANGE.
#[derive(Clone, Copy, Debug)]
pub struct NeededChannel {
    pub name: &'static str,
    pub present: bool,
    pub can_post: bool,
    /// True if posts go there.
    pub takes_posts: bool,
}

/// The next run of a job.
#[derive(Clone, Copy, Debug)]
pub struct NextRun {
    pub job: &'static str,
    pub at: Option<Timestamp>,
}

/// A group that the account is not in any more.
#[derive(Clone, Debug)]
pub struct LeftGroup {
    pub title: String,
    pub left_at: Timestamp,
}

/// The numbers of photos that were settled, by what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettledPhotos {
    pub posted: u64,
    pub expired: u64,
    pub failed: u64,
}

impl Verdict {
    /// Judges an instance by its signs.
    #[must_use]
    pub fn judge(signs: &Signs, now: Timestamp) -> Self {
        let reason = |kind, since| Reason {
            kind,
            since,
            count: None,
            detail: None,
        };
        let (state, reasons) = match signs.run_state {
            RunState::Running => {
                let reasons = troubles(signs, now);
                let state = match reasons.is_empty() {
                    true => Condition::Ok,
                    false => Condition::Trouble,
                };
                (state, reasons)
            }
            RunState::NeverRan => (Condition::Stopped, vec![reason(ReasonKind::NeverRan, None)]),
            RunState::Busy => (Condition::Stopped, vec![reason(ReasonKind::Busy, None)]),
            RunState::Ended => (
                Condition::Stopped,
                vec![reason(ReasonKind::Ended, signs.ended_at)],
            ),
            RunState::Failed => {
                let failed = Reason {
                    detail: signs.ended_because.clone(),
                    ..reason(ReasonKind::Failed, signs.ended_at)
                };
                (Condition::Trouble, vec![failed])
            }
            RunState::Died => {
                let last_sign = signs.alive_at.max(signs.started_at);
                let died = reason(ReasonKind::Died, last_sign);
                (Condition::Trouble, vec![died])
            }
        };
        Self { state, reasons }
    }
}

/// Returns what keeps a running program from its work.
fn troubles(signs: &Signs, now: Timestamp) -> Vec<Reason> {
    let is_older = |at: Timestamp, seconds| now.get().saturating_sub(at.get()) > seconds;
    let mut reasons = Vec::new();
    let mut add = |kind, since, count, detail: Option<String>| {
        reasons.push(Reason {
            kind,
            since,
            count,
            detail,
        });
    };
    let contact = signs.last_contact_at.max(signs.started_at);
    if let Some(alive_at) = signs.alive_at.filter(|at| is_older(*at, MAX_RECORD_AGE)) {
        // The last contact is unknown since then.
        add(ReasonKind::Frozen, Some(alive_at), None, None);
    } else if let Some(contact) = contact.filter(|at| is_older(*at, MAX_SILENCE)) {
        add(ReasonKind::NoContact, Some(contact), None, None);
    }
    if signs.restored_from.is_some()
        && let Some(started_at) = signs.started_at.filter(|at| is_older(*at, MAX_SILENCE))
    {
        add(ReasonKind::PostsUnread, Some(started_at), None, None);
    }
    for channel in &signs.channels {
        let kind = match channel {
            NeededChannel { present: false, .. } => ReasonKind::NotInChannel,
            NeededChannel {
                takes_posts: true,
                can_post: false,
                ..
            } => ReasonKind::CannotPost,
            _ => continue,
        };
        add(kind, None, None, Some(channel.name.to_owned()));
    }
    // The jobs run once a start is done.
    let late: Vec<(&str, Timestamp)> = signs
        .jobs
        .iter()
        .filter_map(|run| Some((run.job, run.at?)))
        .filter(|(_, at)| {
            is_older(
                Some(*at).max(signs.started_at).unwrap_or(*at),
                MAX_JOB_DELAY,
            )
        })
        .collect();
    if let Some(first) = late.iter().map(|(_, at)| *at).min() {
        let names = Vec::from_iter(late.iter().map(|(job, _)| *job)).join(", ");
        add(
            ReasonKind::JobMissed,
            Some(first),
            Some(amount(&late)),
            Some(names),
        );
    }
    let oldest = signs.oldest_photo_at;
    if let Some(oldest) = oldest.filter(|at| is_older(*at, MAX_PHOTO_WAIT)) {
        add(ReasonKind::PhotosWait, Some(oldest), None, None);
    }
    let left: Vec<&LeftGroup> = signs
        .left_groups
        .iter()
        .filter(|group| !is_older(group.left_at, LEFT_GROUP_IS_TROUBLE))
        .collect();
    if let Some(last) = left.iter().map(|group| group.left_at).max() {
        let titles = Vec::from_iter(left.iter().map(|group| group.title.as_str())).join(", ");
        add(
            ReasonKind::GroupLeft,
            Some(last),
            Some(amount(&left)),
            Some(titles),
        );
    }
    let SettledPhotos {
        posted,
        expired,
        failed,
    } = signs.photos;
    if expired > 0 {
        add(ReasonKind::PhotosExpired, None, Some(expired), None);
    }
    let settled = posted.saturating_add(failed);
    if failed >= MANY_FAILED && failed.saturating_mul(SETTLED_PER_FAILED) >= settled {
        add(ReasonKind::PhotosFailed, None, Some(failed), None);
    }
    reasons
}

fn amount<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::new(1_800_000_000);

    fn ago(seconds: i64) -> Option<Timestamp> {
        Some(NOW.plus(-seconds))
    }

    /// A program that has run for a day and does nothing in the night: no join, no photo, and answers to its pings.
    fn quiet() -> Signs {
        let channel = |name, takes_posts| NeededChannel {
            name,
            present: true,
            can_post: true,
            takes_posts,
        };
        Signs {
            run_state: RunState::Running,
            started_at: ago(86_400),
            alive_at: ago(30),
            last_contact_at: ago(57),
            channels: vec![channel("HIDE", false), channel("EXCHANGE", true)],
            jobs: vec![next("status", -600), next("reset", -86_400)],
            ..Signs::default()
        }
    }

    fn next(job: &'static str, seconds_ago: i64) -> NextRun {
        let at = ago(seconds_ago);
        NextRun { job, at }
    }

    fn left(title: &str, seconds_ago: i64) -> LeftGroup {
        LeftGroup {
            title: title.into(),
            left_at: NOW.plus(-seconds_ago),
        }
    }

    type Change<'a> = dyn Fn(&mut Signs) + 'a;

    /// Returns the kinds of the reasons of a changed quiet program.
    fn kinds(change: &Change<'_>) -> (Condition, Vec<&'static str>) {
        let mut signs = quiet();
        change(&mut signs);
        let verdict = Verdict::judge(&signs, NOW);
        let kinds = verdict.reasons.iter().map(|reason| reason.kind.as_str());
        (verdict.state, kinds.collect())
    }

    #[test]
    fn normal_states_of_a_running_program_are_no_trouble() {
        let cases: &[(&str, &Change<'_>)] = &[
            ("a quiet night", &|_| {}),
            ("an older record, just before the next one", &|signs| {
                signs.alive_at = ago(MAX_RECORD_AGE);
            }),
            ("a connection was just replaced", &|signs| {
                signs.last_contact_at = ago(MAX_SILENCE);
            }),
            ("it has just started after a week", &|signs| {
                signs.started_at = ago(3);
                signs.alive_at = ago(3);
                signs.last_contact_at = ago(7 * 86_400);
                signs.jobs = vec![next("backup", 6 * 86_400), next("count", 40)];
            }),
            ("its first start: HIDE was never seen", &|signs| {
                signs.started_at = ago(3);
                signs.last_contact_at = None;
                signs.channels.clear();
                signs.jobs = vec![NextRun {
                    job: "reset",
                    at: None,
                }];
            }),
            ("a version before these records runs", &|signs| {
                signs.alive_at = None;
            }),
            ("its first start after a restore", &|signs| {
                signs.started_at = ago(MAX_SILENCE);
                signs.restored_from = ago(86_400);
            }),
            ("HIDE floods posts for minutes", &|signs| {
                signs.oldest_photo_at = ago(20 * 60);
            }),
            ("a job runs late", &|signs| {
                signs.jobs = vec![next("count", 300)]
            }),
            ("EXCHANGE takes posts, HIDE need not", &|signs| {
                signs.channels[0].can_post = false;
            }),
            ("a group was left on purpose two days ago", &|signs| {
                signs.left_groups = vec![left("x", 2 * 86_400)];
            }),
            ("two photos failed", &|signs| signs.photos.failed = 2),
            ("few photos of a raid failed", &|signs| {
                signs.photos.failed = 9;
                signs.photos.posted = 90;
            }),
            ("the clock was set back", &|signs| {
                signs.alive_at = ago(-500);
                signs.last_contact_at = ago(-500);
            }),
        ];
        for (name, change) in cases {
            assert_eq!(kinds(*change), (Condition::Ok, vec![]), "{name}");
        }
    }

    #[test]
    fn each_trouble_of_a_running_program_is_a_reason() {
        let cases: &[(&str, &Change<'_>)] = &[
            ("frozen", &|signs| {
                signs.alive_at = ago(MAX_RECORD_AGE + 1);
                signs.last_contact_at = ago(MAX_RECORD_AGE + 1);
            }),
            ("no_contact", &|signs| {
                signs.last_contact_at = ago(MAX_SILENCE + 1);
            }),
            ("no_contact", &|signs| {
                // A start that gets no answer.
                signs.started_at = ago(MAX_SILENCE + 1);
                signs.last_contact_at = ago(86_400);
            }),
            ("posts_unread", &|signs| {
                signs.restored_from = ago(90_000);
            }),
            ("not_in_channel", &|signs| {
                signs.channels[0].present = false;
            }),
            ("cannot_post", &|signs| {
                signs.channels[1].can_post = false;
            }),
            ("job_missed", &|signs| {
                signs.jobs = vec![next("backup", 301), next("count", 10)];
            }),
            ("photos_wait", &|signs| {
                signs.oldest_photo_at = ago(MAX_PHOTO_WAIT + 1);
            }),
            ("group_left", &|signs| {
                signs.left_groups = vec![left("a", 60), left("b", 86_400), left("c", 86_401)];
            }),
            ("photos_expired", &|signs| signs.photos.expired = 1),
            ("photos_failed", &|signs| {
                signs.photos.failed = 3;
                signs.photos.posted = 27;
            }),
        ];
        for (kind, change) in cases {
            assert_eq!(kinds(*change), (Condition::Trouble, vec![*kind]), "{kind}");
        }
        let mut signs = quiet();
        cases.iter().for_each(|(_, change)| change(&mut signs));
        signs.alive_at = ago(1);
        signs.started_at = ago(86_400);
        let verdict = Verdict::judge(&signs, NOW);
        let kinds = verdict.reasons.iter().map(|reason| reason.kind.as_str());
        let expected = cases.iter().map(|(kind, _)| *kind).skip(2);
        assert_eq!(Vec::from_iter(kinds), Vec::from_iter(expected));
        let left = &verdict.reasons[6];
        assert_eq!((left.count, left.since), (Some(2), ago(60)));
        assert_eq!(left.detail.as_deref(), Some("a, b"));
    }

    #[test]
    fn a_program_that_does_not_run_is_stopped_or_in_trouble() {
        for (state, condition, kind) in [
            (RunState::NeverRan, Condition::Stopped, "never_ran"),
            (RunState::Busy, Condition::Stopped, "busy"),
            (RunState::Ended, Condition::Stopped, "ended"),
            (RunState::Failed, Condition::Trouble, "failed"),
            (RunState::Died, Condition::Trouble, "died"),
        ] {
            let judged = kinds(&|signs| {
                signs.run_state = state;
                signs.alive_at = ago(9_000);
                signs.oldest_photo_at = ago(9_000);
            });
            assert_eq!(judged, (condition, vec![kind]));
        }
    }
}
