//! The part of the members whose photos an instance forwards first, where several instances do one job
//! (docs/several-accounts.md).

use std::fmt;

use super::UserId;

/// The part `number` of `instances`, both counted from 1: the members whose user id modulo `instances` is `number - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    number: u8,
    instances: u8,
}

impl Share {
    /// The only instance, whose members are all of them.
    pub const WHOLE: Self = Self {
        number: 1,
        instances: 1,
    };

    /// The most instances that may do one job: the remainders fit in the bits of an SQL integer.
    pub const MAX_INSTANCES: u8 = 60;

    /// Parses `K/N`.
    ///
    /// # Errors
    /// Returns the problem in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let not_a_share = || format!("{text:?} is not the number of an instance of so many");
        let (number, instances) = text.split_once('/').ok_or_else(not_a_share)?;
        let whole = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse::<u64>().ok(),
            false => None,
        };
        let (Some(number), Some(instances)) = (whole(number), whole(instances)) else {
            return Err(not_a_share());
        };
        if number == 0 || instances == 0 {
            return Err(format!(
                "{text:?} counts from 0, and instances count from 1"
            ));
        }
        if number > instances {
            return Err(format!(
                "{text:?} is instance {number}, and there are only {instances}"
            ));
        }
        match (u8::try_from(number), u8::try_from(instances)) {
            (Ok(number), Ok(instances)) if instances <= Self::MAX_INSTANCES => {
                Ok(Self { number, instances })
            }
            _ => Err(format!(
                "{text:?} has more than {} instances",
                Self::MAX_INSTANCES
            )),
        }
    }

    /// Returns true if there is no other instance.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.instances == 1
    }

    /// Returns true for the instance that alone sends reports, backups, counts and answers.
    #[must_use]
    pub const fn sends_reports(self) -> bool {
        self.number == 1
    }

    #[must_use]
    pub const fn instances(self) -> u8 {
        self.instances
    }

    /// Returns the remainder of the members that are this instance's own.
    #[must_use]
    pub const fn own_remainder(self) -> u8 {
        self.number - 1
    }

    /// Returns the remainder of a member, which names the instance that the member belongs to.
    #[must_use]
    pub fn remainder_of(self, user: UserId) -> u8 {
        let remainder = user.get().rem_euclid(i64::from(self.instances));
        u8::try_from(remainder).unwrap_or(0)
    }

    /// Returns the share of the instance that a member belongs to.
    #[must_use]
    pub fn of_member(self, user: UserId) -> Self {
        Self {
            number: self.remainder_of(user) + 1,
            instances: self.instances,
        }
    }

    /// Returns true if a member is this instance's own.
    #[must_use]
    pub fn is_own(self, user: UserId) -> bool {
        self.of_member(user) == self
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.instances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_member_belongs_to_one_instance() {
        let shares = ["1/3", "2/3", "3/3"].map(|text| Share::parse(text).expect(text));
        for id in 6_500_000_000..6_500_000_009 {
            let user = UserId::new(id);
            let owners = shares.iter().filter(|share| share.is_own(user));
            assert_eq!(owners.count(), 1, "{id}");
        }
        assert!(shares[2].is_own(UserId::new(5)));
        assert!(Share::WHOLE.is_own(UserId::new(5)) && Share::WHOLE.is_whole());
        assert_eq!(
            shares.map(Share::sends_reports),
            [true, false, false],
            "reports"
        );
        assert_eq!(shares[1].to_string(), "2/3");
        assert_eq!(Share::parse("1/1"), Ok(Share::WHOLE));
        assert!(Share::parse("60/60").is_ok());
    }

    #[test]
    fn a_share_that_means_nothing_is_refused_in_words() {
        for (text, problem) in [
            ("2", "is not the number of an instance"),
            ("", "is not the number of an instance"),
            ("a/b", "is not the number of an instance"),
            ("1/2/3", "is not the number of an instance"),
            ("+1/2", "is not the number of an instance"),
            ("1 / 2", "is not the number of an instance"),
            ("-1/2", "is not the number of an instance"),
            ("/", "is not the number of an instance"),
            ("1/0", "instances count from 1"),
            ("0/2", "instances count from 1"),
            ("3/2", "there are only 2"),
            ("1/61", "more than 60 instances"),
            ("1/300", "more than 60 instances"),
        ] {
            let found = Share::parse(text).expect_err(text);
            assert!(found.contains(problem), "{text}: {found}");
        }
    }
}
