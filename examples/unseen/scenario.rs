//! The scenarios: groups, the members who talk in them, and the way in which others join.

use std::time::Duration;

use scp_079_avatar::clock::Clock;
use telegram_sim::{HOME_DC, JoinKind, OTHER_DC, PhotoSpec, Simulator, UserSpec};

use crate::arrivals::Join;

/// A kind of group in which joins have no readable message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// One group of 50,000 members without join messages, in which members talk.
    Large,
    /// A group of 2,000 members without join messages.
    Raid,
    /// A group of which nothing is pushed, and in which a bot deletes each join message after two seconds.
    Captcha,
    /// 200 groups, of which 40 have more than 9,000 members and no join messages.
    Many,
    /// A group that hides its members but shows the dates of joins. Who joins writes a message.
    Hidden,
}

/// The groups of a scenario.
pub(crate) struct Scene {
    scenario: Scenario,
    random: fastrand::Rng,
    /// The groups that members join.
    groups: Vec<i64>,
    /// A member of each of these groups talks now and then.
    talkers: Vec<(i64, i64)>,
    talked: u64,
    number: usize,
}

/// The number of members who talk.
const TALKERS: usize = 20;
/// Members of before joined at least this many seconds ago.
const OLDEST_DAYS: i32 = 400;

impl Scene {
    pub(crate) fn new(sim: &Simulator, scenario: Scenario, random: fastrand::Rng) -> Self {
        let now = Clock::system().now().get();
        let now = i32::try_from(now).unwrap_or(i32::MAX);
        let day = 86_400;
        let dates = (now - OLDEST_DAYS * day)..=(now - day);
        let silent = |name: &str, members: usize| {
            let group = sim.add_group(name);
            let talkers = sim.add_members(group, members, dates.clone());
            sim.hide_joins(group, true);
            (group, talkers)
        };
        let mut groups = Vec::new();
        let mut talkers = Vec::new();
        match scenario {
            Scenario::Large => add(&mut groups, &mut talkers, silent("Large", 50_000)),
            Scenario::Raid => add(&mut groups, &mut talkers, silent("Raided", 2_000)),
            Scenario::Captcha => {
                let group = sim.add_group("Guarded");
                let members = sim.add_members(group, 500, dates.clone());
                let delay = Duration::from_secs(2);
                sim.captcha_bot(group, delay..=delay);
                // The program reads the group only when it asks, and then most join messages are gone.
                sim.set_silent(group, true);
                add(&mut groups, &mut talkers, (group, members));
            }
            Scenario::Hidden => {
                let group = sim.add_group("Hidden");
                let members = sim.add_members(group, 500, dates.clone());
                sim.hide_members(group, true);
                sim.hide_joins(group, true);
                add(&mut groups, &mut talkers, (group, members));
            }
            Scenario::Many => {
                for number in 1..=40 {
                    add(
                        &mut groups,
                        &mut talkers,
                        silent(&format!("Large {number}"), 9_500),
                    );
                }
                for number in 1..=160 {
                    let group = sim.add_group(&format!("Group {number}"));
                    let members = sim.add_members(group, 200, dates.clone());
                    talkers.extend(members.first().map(|member| (group, *member)));
                }
            }
        }
        Self {
            scenario,
            random,
            groups,
            talkers,
            talked: 0,
            number: 0,
        }
    }

    /// Lets the next member join.
    pub(crate) fn join(&mut self, sim: &Simulator) -> Join {
        self.number += 1;
        let dc = if self.number.is_multiple_of(3) {
            OTHER_DC
        } else {
            HOME_DC
        };
        let spec = UserSpec::new(format!("Joiner {}", self.number)).photo(PhotoSpec::jpeg().dc(dc));
        let user = sim.add_user(spec);
        let group = self.groups[self.random.usize(..self.groups.len())];
        let at = sim.read(telegram_sim::World::elapsed);
        sim.join(group, user, JoinKind::ByLink);
        if self.scenario == Scenario::Hidden {
            sim.send_message(group, user, "hello");
        }
        Join { group, user, at }
    }

    /// Lets a member talk about once a second.
    pub(crate) fn talk(&mut self, sim: &Simulator, since: Duration) {
        if since.as_secs() < self.talked || self.talkers.is_empty() {
            return;
        }
        self.talked = since.as_secs() + 1;
        let (group, member) = self.talkers[self.random.usize(..self.talkers.len())];
        sim.send_message(group, member, "an ordinary message");
    }

    /// Returns how long the run waits for a photo that is missing.
    pub(crate) fn patience(&self, longest: Duration) -> Duration {
        match self.scenario {
            // A join that was deleted unread may never be found.
            Scenario::Captcha => Duration::from_secs(180),
            _ => longest,
        }
    }
}

fn add(groups: &mut Vec<i64>, talkers: &mut Vec<(i64, i64)>, made: (i64, Vec<i64>)) {
    let (group, members) = made;
    groups.push(group);
    talkers.extend(
        members
            .into_iter()
            .take(TALKERS)
            .map(|member| (group, member)),
    );
}
