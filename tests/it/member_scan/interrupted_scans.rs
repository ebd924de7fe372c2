//! Scans that a rate limit or an object that cannot be parsed interrupts.

use telegram_sim::{Fault, Match};

use super::{join_unseen, silent_group};
use crate::harness::now;

const MEMBERS: &str = "channels.getParticipants";

#[test]
fn a_raid_is_read_to_its_end_after_a_rate_limit_between_two_pages() {
    let scene = silent_group();
    // The administrators are read by the same method.
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 1);
    let joined = i32::try_from(now()).expect("before 2038");
    let raiders = scene.sim.add_members(scene.group, 420, joined..=joined + 1);
    let second_page = Match::method(MEMBERS).after(1).once();
    scene.sim.fault(second_page, Fault::FloodWait(2));
    let found = "SELECT 1 FROM joins WHERE found_by = 'scan'";
    scene.wait_for_rows(found, raiders.len());
    assert_eq!(scene.count("SELECT 1 FROM joins"), raiders.len());
    scene.finish();
}

#[test]
fn a_member_whose_object_cannot_be_parsed_hides_no_other() {
    let scene = silent_group();
    let unreadable = scene.add_user();
    let long_ago = i32::try_from(now() - 100_000).expect("before 2038");
    scene.sim.add_member(scene.group, unreadable, long_ago);
    scene.sim.set_unreadable_user(unreadable, true);
    let user = join_unseen(&scene);
    let photos = scene.wait_for_photos(1);
    assert_eq!((photos[0].user, photos[0].message), (user, 0));
    scene.finish();
}
