//! A simulation of posts to a server that allows a number of them within any 30 seconds, and otherwise answers
//! FLOOD_WAIT with the time, rounded up, until one of them leaves the window. Nothing in it is random.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::{AdaptivePace, LearnedPace};

/// The time within which the server counts posts.
pub(super) const WINDOW: Duration = Duration::from_secs(30);

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The posts that the server allows within [`WINDOW`] from this time on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) from: Duration,
    pub(super) posts: usize,
}

/// The conditions of a run.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) fastest: Duration,
    /// The limits, the earliest first.
    pub(super) limits: Vec<Limit>,
    pub(super) end: Duration,
    /// When photos are there to be posted; `None`: always more than the program can post.
    pub(super) photos: Option<Vec<Duration>>,
    /// When reports are there to be posted.
    pub(super) reports: Vec<Duration>,
    /// How much later than the program began it a post reaches the server at most.
    pub(super) latency: Duration,
    /// How long every flood lasts, if the server does not compute it.
    pub(super) penalty: Option<Duration>,
    /// When the program is restarted.
    pub(super) restarts: Vec<Duration>,
}

impl Scenario {
    /// A raid without an end.
    pub(super) fn raid(posts: usize, min_interval_ms: u64, end: Duration) -> Self {
        Self {
            fastest: Duration::from_millis(min_interval_ms),
            limits: vec![Limit {
                from: Duration::ZERO,
                posts,
            }],
            end,
            photos: None,
            reports: Vec::new(),
            latency: Duration::ZERO,
            penalty: None,
            restarts: Vec::new(),
        }
    }

    pub(super) fn run(&self) -> Run {
        let mut server = Server::default();
        let mut pace = AdaptivePace::new(self.fastest, None);
        let mut run = Run::default();
        let (mut reports, mut restarts) = (
            self.reports.iter().peekable(),
            self.restarts.iter().peekable(),
        );
        let mut photos_posted = 0;
        // The last attempt, and the end of the last flood.
        let (mut last, mut flood_end): (Option<Duration>, Duration) = (None, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut noise = 0_u64;
        while now < self.end {
            if restarts.next_if(|at| **at <= now).is_some() {
                pace = AdaptivePace::new(self.fastest, Some(stored(pace.learned())));
                last = None;
            }
            let arrived = |at: Duration| match &self.photos {
                Some(photos) => photos.partition_point(|photo| *photo <= at),
                None => usize::MAX,
            };
            let waiting = arrived(now) - photos_posted;
            pace.note_waiting(waiting);
            let free_at =
                |interval: Duration| last.map_or(now, |last| last + interval).max(flood_end);
            let (report_at, photo_at) = (
                free_at(pace.report_interval(now)),
                free_at(pace.interval(now)),
            );
            let is_report = reports.peek().is_some_and(|due| **due <= now) && report_at <= now;
            if !is_report && (photo_at > now || waiting == 0) {
                let next_photo = match &self.photos {
                    Some(photos) if waiting == 0 => photos.get(photos_posted).copied(),
                    // With time, few photos are posted with less care.
                    _ => Some(photo_at.min(now + seconds(1))),
                };
                let next_report = reports.peek().map(|due| report_at.max(**due));
                let next = [next_photo, next_report, Some(self.end)];
                now = next.into_iter().flatten().min().unwrap_or(self.end);
                continue;
            }
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let latency = self
                .latency
                .mul_f64((noise >> 40) as f64 / f64::from(1 << 24));
            let limit = self.limits.iter().rfind(|limit| limit.from <= now);
            let allowed = limit.map_or(0, |limit| limit.posts);
            match server.post(now + latency, allowed) {
                Ok(()) if is_report => {
                    let due = reports.next().copied().unwrap_or_default();
                    run.report_waits.push(now - due);
                    pace.note_post(now);
                    run.posts.push(now);
                }
                Ok(()) => {
                    photos_posted += 1;
                    pace.note_post(now);
                    run.posts.push(now);
                }
                Err(wait) => {
                    let wait = self.penalty.unwrap_or(wait);
                    pace.note_flood(now, wait);
                    run.floods.push(now);
                    // The program adds a second, because its clock is rounded down.
                    flood_end = now + wait + seconds(1);
                }
            }
            last = Some(now);
            run.learned = Some(pace.learned());
            now += latency;
        }
        run
    }
}

/// The pace as `state.db` keeps it.
fn stored(learned: LearnedPace) -> LearnedPace {
    let rounded =
        |interval: Duration| Duration::from_millis(u64::try_from(interval.as_millis()).unwrap());
    LearnedPace {
        interval: rounded(learned.interval),
        limit: learned.limit.map(rounded),
    }
}

#[derive(Default)]
struct Server(VecDeque<Duration>);

impl Server {
    /// Accepts a post, or refuses it for some seconds.
    fn post(&mut self, at: Duration, allowed: usize) -> Result<(), Duration> {
        while self.0.front().is_some_and(|first| *first + WINDOW <= at) {
            self.0.pop_front();
        }
        if self.0.len() < allowed {
            self.0.push_back(at);
            return Ok(());
        }
        // The limit may have been larger when these posts were accepted.
        let leaving = self.0[self.0.len() - allowed];
        let wait = (leaving + WINDOW - at).as_secs_f64().ceil();
        Err(Duration::from_secs_f64(wait))
    }
}

/// The course of a run.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) posts: Vec<Duration>,
    pub(super) floods: Vec<Duration>,
    pub(super) report_waits: Vec<Duration>,
    pub(super) learned: Option<LearnedPace>,
}

impl Run {
    /// Returns the posts a minute between two times.
    pub(super) fn rate(&self, from: Duration, to: Duration) -> f64 {
        let posts = self.posts.iter().filter(|at| (from..to).contains(*at));
        posts.count() as f64 * 60.0 / (to - from).as_secs_f64()
    }

    /// Returns the number of floods between two times.
    pub(super) fn floods(&self, from: Duration, to: Duration) -> usize {
        self.floods
            .iter()
            .filter(|at| (from..to).contains(*at))
            .count()
    }

    /// Returns the shortest time between two floods after `from`.
    pub(super) fn shortest_peace(&self, from: Duration) -> Duration {
        let later: Vec<_> = self.floods.iter().filter(|at| **at >= from).collect();
        let pairs = later.windows(2).map(|pair| *pair[1] - *pair[0]);
        pairs.min().unwrap_or(Duration::MAX)
    }
}

/// Returns the posts a minute that the server allows and the configuration permits.
pub(super) fn permitted(posts: usize, min_interval_ms: u64) -> f64 {
    let by_limit = posts as f64 * 60.0 / WINDOW.as_secs_f64();
    by_limit.min(60_000.0 / min_interval_ms as f64)
}
