//! Scans that a rate limit, an object that cannot be parsed, or the connection interrupts.

use telegram_sim::{Fault, JoinKind, Match};

use super::{join_unseen, silent_group};
use crate::harness::{Scene, now};

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

#[test]
fn a_list_that_ends_the_connection_holds_up_no_other_group() {
    let mut scene = Scene::with_photo_size(64);
    let other = scene.sim.add_groups(1)[0];
    for group in [scene.group, other] {
        scene.sim.age_chat(group, 100_000);
        scene.sim.hide_joins(group, true);
    }
    let group = scene.group.to_le_bytes();
    // `channelParticipantsRecent`: the list of administrators can be read.
    let recent = 0xde3f_3c79_u32.to_le_bytes();
    let lists = Match::method(MEMBERS).when(move |request| {
        let has = |bytes: &[u8]| request.windows(bytes.len()).any(|part| part == bytes);
        has(&group) && has(&recent)
    });
    scene.sim.fault(lists, Fault::CutBefore);
    scene.start();
    let user = scene.add_user();
    scene.sim.join(other, user, JoinKind::Silent);
    scene.wait_for_outcome(user, "forwarded");
}
