//! `[custom]`: which members are new, how rules are matched, and when the lists are reset.

use std::fmt;
use std::time::Duration;

use super::credentials::SecretSources;
use super::reset_day::ResetDay;
use super::section_reader::SectionReader;
use super::sections::{Section, Value};

/// `[custom]`
#[derive(Clone, Copy, Debug)]
pub struct Custom {
    /// The day of the monthly reset.
    pub reset_day: ResetDay,
    /// The time after joining in which a member counts as new; whole seconds, never zero.
    pub time_new: Duration,
    /// True if Traditional Chinese is folded to Simplified before rules are matched.
    pub zh_cn: bool,
    /// The treatment of first messages in groups that keep the dates of joins secret.
    pub unseen: UnseenPolicy,
    /// True if rules are matched against the bio too.
    pub check_bio: bool,
}

/// The treatment of a first message of an unknown sender where Telegram refuses the dates of joins (docs/outcomes.md).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(serialize_all = "lowercase")]
pub enum UnseenPolicy {
    /// The sender counts as a new member.
    #[default]
    Forward,
    /// The sender is recorded as one who may be new, and no photo is forwarded.
    Skip,
}

impl Section for Custom {
    const NAME: &'static str = "custom";

    fn read(section: &mut SectionReader<'_, '_>, _: &SecretSources<'_>) -> Option<Self> {
        let reset_day = section.parsed("reset_day", "1st mon", ResetDay::parse, ResetDay::HINT);
        let time_new = section.number("time_new", 1800, 1..=31_536_000, "seconds");
        let zh_cn = section.flag("zh_cn", false);
        let unseen = section.choice("unseen");
        let check_bio = section.flag("check_bio", false);
        Some(Self {
            reset_day: reset_day?,
            time_new: Duration::from_secs(time_new?.unsigned_abs()),
            zh_cn: zh_cn?,
            unseen: unseen?,
            check_bio: check_bio?,
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            Value::new("reset_day", self.reset_day),
            Value::new("time_new", Seconds(self.time_new.as_secs())),
            Value::new("zh_cn", self.zh_cn),
            Value::new("unseen", self.unseen),
            Value::new("check_bio", self.check_bio),
        ]
    }
}

/// Prints a number of seconds, and the same in minutes.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..60 => write!(f, "{} s", self.0),
            seconds if seconds % 60 == 0 => write!(f, "{seconds} s ({} min)", seconds / 60),
            seconds => write!(f, "{seconds} s ({} min {} s)", seconds / 60, seconds % 60),
        }
    }
}
