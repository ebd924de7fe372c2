//! Groups whose administrators are not known yet (docs/outcomes.md, "Administrators").

use std::collections::BTreeSet;

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, bot_api_id};

use crate::harness::{NOSPAM, Scene, sealed_list};

#[test]
fn joins_in_many_groups_do_not_wait_for_their_administrators() {
    let mut scene = Scene::with_photo_size(160);
    let groups = scene.sim.add_groups(130);
    // No group's administrators become known before the test ends.
    let administrators = Match::method("channels.getParticipants");
    scene.sim.fault(administrators, Fault::HoldBefore);
    scene.start();
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE present", 132);
    let users: BTreeSet<i64> = groups
        .iter()
        .map(|group| scene.join_user_in(*group))
        .collect();
    scene.wait_for_photos_of(&users);
    scene.finish();
}

#[test]
fn administrators_that_become_known_later_correct_photos_that_wait() {
    let mut scene = Scene::with_photo_size(160);
    let (watched, other) = (scene.group, scene.sim.add_group("Another group"));
    scene.add_nospam(&[watched]);
    scene.sim.join(other, NOSPAM, JoinKind::ByLink);
    let (admin, adder) = (scene.add_user(), scene.add_user());
    for user in [admin, adder] {
        scene.sim.join(other, user, JoinKind::ByLink);
        scene.sim.set_admin(other, user, true);
    }
    scene.refuse_downloads();
    let administrators = Match::method("channels.getParticipants").once();
    scene.sim.fault(administrators, Fault::HoldBefore);
    scene.start();
    scene.wait_for_call("channels.getParticipants", 1);

    let unwatched = scene.join_user_in(other);
    scene.sim.join(watched, admin, JoinKind::ByLink);
    let added = scene.add_user();
    scene.sim.join(watched, added, JoinKind::AddedBy(adder));
    let kept = scene.join_user();
    for user in [unwatched, admin, added, kept] {
        scene.wait_for_outcome(user, "queued");
    }
    scene.sim.release();
    scene.wait_for_outcome(unwatched, "unwatched_group");
    scene.wait_for_outcome(admin, "trusted");
    scene.wait_for_outcome(added, "added_by_trusted");
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE admins_at IS NOT NULL", 2);
    scene.sim.clear_faults();
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].user, kept);
    scene.finish_with_next_photo(1);
}

#[test]
fn a_group_that_a_rolled_back_list_of_administrators_lacks_is_read_again() {
    let mut scene = Scene::with_photo_size(160);
    let (group, other) = (scene.group, scene.sim.add_group("Another group"));
    scene.add_nospam(&[group, other]);
    scene.start();
    let known = "SELECT 1 FROM ledger WHERE admins_at IS NOT NULL";
    scene.wait_for_rows(known, 2);
    let owner = scene.sim.owner();
    let list = json!({bot_api_id(other).to_string(): [owner, NOSPAM]});
    let order = scene.roll_back("admin_ids", &sealed_list("admin_ids", list));
    scene.wait_for_verdict(order, "obeyed");
    scene.wait_for_rows(known, 2);
    let nospam = format!("SELECT 1 FROM admins WHERE user_id = {NOSPAM}");
    scene.wait_for_rows(&nospam, 2);
    let users = BTreeSet::from([scene.join_user(), scene.join_user_in(other)]);
    scene.wait_for_photos_of(&users);
    scene.finish();
}
