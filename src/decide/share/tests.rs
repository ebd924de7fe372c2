//! Tables of who covers for whom, and of which photo is taken.

use super::*;

fn share(text: &str) -> Share {
    Share::parse(text).expect(text)
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An instance, the photos that others posted (the user's id and when), a moment, and the silent remainders.
type Case = (&'static str, &'static [(i64, u64)], u64, u64);

#[test]
fn another_remainder_is_due_after_a_minute_of_silence_counted_from_the_start() {
    let start = s(1000);
    let cases: [Case; 13] = [
        ("1/2", &[], 1059, 0b00),
        ("1/2", &[], 1060, 0b10),
        ("2/2", &[], 1060, 0b01),
        ("1/1", &[], 9999, 0b0),
        // A photo of remainder 1 restarts its minute; one of remainder 0, which is own, does not.
        ("1/2", &[(7, 1030)], 1089, 0b00),
        ("1/2", &[(7, 1030)], 1090, 0b10),
        ("1/2", &[(6, 1030)], 1060, 0b10),
        // The instance after a silent one covers first, the next one 5 s later.
        ("2/3", &[], 1060, 0b001),
        ("3/3", &[], 1060, 0b010),
        ("3/3", &[], 1065, 0b011),
        ("1/3", &[], 1060, 0b100),
        // The second one of them sees the first one's photo, and waits again.
        ("3/3", &[(6, 1062)], 1126, 0b010),
        ("3/3", &[(6, 1062)], 1127, 0b011),
    ];
    for (number, photos, now, silent) in cases {
        let mut last_shown = LastShown::new(share(number), start);
        for (user, at) in photos {
            last_shown.record(UserId::new(*user), s(*at));
        }
        assert_eq!(
            last_shown.silent(s(now)),
            silent,
            "{number} {photos:?} {now}"
        );
    }
}

#[test]
fn the_next_silence_is_the_earliest_one_that_is_not_over() {
    let mut last_shown = LastShown::new(share("1/3"), s(0));
    last_shown.record(UserId::new(4), s(20));
    for (now, next) in [(0, Some(60)), (59, Some(60)), (60, Some(85)), (85, None)] {
        assert_eq!(last_shown.next_silent_at(s(now)), next.map(s), "{now}");
    }
    assert_eq!(
        LastShown::new(Share::WHOLE, s(0)).next_silent_at(s(0)),
        None
    );
}

/// Three instances of which the first is dead and has left many photos: they post every 3 s, and read each other's
/// photos at once.
#[test]
fn two_instances_that_cover_for_a_third_do_not_wait_for_each_other() {
    let mut instances = ["2/3", "3/3"].map(|text| LastShown::new(share(text), s(0)));
    let mut posts = [0; 2];
    for now in (0..600).step_by(3).map(s) {
        for poster in [0, 1] {
            if instances[poster].silent(now) & 1 == 1 {
                posts[poster] += 1;
                instances[1 - poster].record(UserId::new(3), now);
            }
        }
    }
    assert_eq!(posts, [180, 0], "one covers at full pace");
}

#[test]
fn a_row_is_old_enough_after_a_minute_also_if_the_clock_was_set_back() {
    let now = Timestamp::new(10_000);
    let OldEnough { until, from, .. } = OldEnough::at(now);
    for (made_at, is_old) in [
        (10_000, false),
        (9_941, false),
        (9_940, true),
        (10_060, false),
        (10_061, true),
    ] {
        let made_at = Timestamp::new(made_at);
        assert_eq!(made_at <= until || made_at > from, is_old, "{made_at}");
    }
    assert_eq!(old_enough_at(Timestamp::new(9_940)), now);
}

#[test]
fn an_earlier_photo_takes_a_row_that_may_be_of_the_same_join() {
    // The row was made at 10,000, for a join at 9,990 unless the case says otherwise.
    let row = |message: i32, joined_at: i64| NewRow {
        message: MessageId::new(message),
        recheck: false,
        joined_at: Timestamp::new(joined_at),
        made_at: Timestamp::new(10_000),
    };
    // The row's message and join; the photo's message, when it was posted and read; whether the row is taken.
    for (what, row, (message, posted_at, read_at), taken) in [
        ("the same message", row(5, 9_990), (5, 9_995, 9_996), true),
        ("another message", row(5, 9_990), (4, 9_995, 9_996), false),
        (
            "the photo names none",
            row(5, 9_990),
            (0, 9_995, 9_996),
            true,
        ),
        ("the row names none", row(0, 9_990), (4, 9_995, 9_996), true),
        ("neither names one", row(0, 9_990), (0, 9_995, 9_996), true),
        ("ten minutes ago", row(5, 9_990), (0, 9_400, 9_400), true),
        ("longer ago", row(5, 9_990), (0, 9_399, 9_399), false),
        (
            "the program was down",
            row(5, 4_000),
            (5, 4_100, 9_990),
            true,
        ),
        (
            "and the photo is of an earlier join",
            row(5, 4_000),
            (0, 3_900, 9_990),
            false,
        ),
        ("read too long ago", row(5, 4_000), (5, 4_100, 9_399), false),
        (
            "a clock that is behind",
            row(5, 9_990),
            (5, 10_100, 9_999),
            true,
        ),
    ] {
        let shown = ShownAvatar {
            message: MessageId::new(message),
            posted_at: Timestamp::new(posted_at),
            read_at: Timestamp::new(read_at),
        };
        assert_eq!(is_taken(shown, row), taken, "{what}");
        let recheck = NewRow {
            recheck: true,
            message: MessageId::new(0),
            ..row
        };
        assert!(!is_taken(shown, recheck), "a recheck's row: {what}");
    }
}

#[test]
fn hide_is_read_right_before_another_instances_photo_and_at_times_before_an_own_one() {
    let needed = |reading: HideReading, now: u64| {
        [Poster::Own, Poster::Other, Poster::Begun].map(|poster| reading.is_needed(poster, s(now)))
    };
    let mut reading = HideReading::default();
    assert_eq!(needed(reading, 0), [true, true, false], "after a start");
    assert_eq!(reading.paused_until(s(0)), None);
    reading.read(s(10));
    assert_eq!(needed(reading, 11), [false, false, false], "just read");
    assert_eq!(needed(reading, 15), [false, true, false]);
    assert_eq!(needed(reading, 20), [true, true, false]);
    reading.posted();
    assert_eq!(needed(reading, 11), [false, true, false], "after a post");
}

#[test]
fn own_photos_wait_a_minute_at_most_for_a_hide_that_cannot_be_read() {
    let mut reading = HideReading::default();
    reading.failed(s(0));
    assert!(reading.is_needed(Poster::Own, s(2)));
    assert_eq!(reading.paused_until(s(9)), Some(s(10)));
    assert_eq!(reading.paused_until(s(10)), None);
    reading.failed(s(58));
    assert!(reading.is_needed(Poster::Own, s(59)));
    assert!(!reading.is_needed(Poster::Own, s(60)));
    // The program goes on trying.
    assert!(reading.is_needed(Poster::Own, s(68)));
    assert!(reading.is_needed(Poster::Other, s(60)), "never without");
    reading.read(s(70));
    assert!(!reading.is_needed(Poster::Own, s(71)));
    assert_eq!(reading.paused_until(s(71)), None);
}
