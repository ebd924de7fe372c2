//! How much of a list of members is read, and how soon it is read again.

/// The most pages of one list. A raid fills several.
pub const MAX_PAGES: usize = 5;
/// If that many members of a page are new, the next page may show new ones, too.
const MANY_NEW: usize = 150;
/// The bounds of the time between two scans of a group whose joins have no message, in seconds.
const SHORTEST_PERIOD: i64 = 120;
const LONGEST_PERIOD: i64 = 600;

/// Returns true if the page after the first `pages` pages is read; the last of them showed `new` new members.
#[must_use]
pub const fn reads_another_page(pages: usize, new: usize) -> bool {
    pages < MAX_PAGES && new >= MANY_NEW
}

/// Returns the time until the next scan: shorter if joins were found, or if so many members were active that a new one
/// could leave the first page between two scans. `listed` members were on the page, and `fresh` of them not on the page
/// of the scan before.
#[must_use]
pub fn next_period(period: i64, found: usize, listed: usize, fresh: usize) -> i64 {
    let period = if found > 0 || fresh * 2 > listed {
        period / 2
    } else {
        period + period / 2
    };
    period.clamp(SHORTEST_PERIOD, LONGEST_PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raid_is_read_page_by_page() {
        assert!(!reads_another_page(1, 149));
        assert!(reads_another_page(1, 150));
        assert!(reads_another_page(4, 200));
        assert!(!reads_another_page(5, 200));
    }

    #[test]
    fn the_period_follows_joins_and_activity() {
        let mut periods = vec![120];
        for _ in 0..5 {
            periods.push(next_period(periods[periods.len() - 1], 0, 200, 20));
        }
        assert_eq!(periods, [120, 180, 270, 405, 600, 600]);
        assert_eq!(next_period(600, 1, 200, 20), 300);
        assert_eq!(next_period(600, 0, 200, 101), 300, "a busy group");
        assert_eq!(next_period(600, 0, 200, 100), 600);
        assert_eq!(next_period(130, 3, 200, 20), 120);
        assert_eq!(next_period(0, 0, 0, 0), 120);
    }
}
