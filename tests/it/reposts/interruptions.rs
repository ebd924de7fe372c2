//! Kills and lost replies during a post that names a document.

use std::collections::BTreeSet;

use telegram_sim::{Fault, Match, bot_api_id};

use super::{
    DOWNLOAD, GET_MESSAGES, SEND_MEDIA, UPLOAD, join, scene_with_groups, transfers, wait_for_groups,
};
use crate::harness::Scene;

#[test]
fn kills_at_every_step_of_a_repost_lose_and_repeat_nothing() {
    let mut scene = Scene::with_photo_size(64);
    let groups = scene.sim.add_groups(3);
    scene.start_and_sync();
    let mut expected = 0;
    for (method, skip, expires) in [
        (DOWNLOAD, 0, false),
        (UPLOAD, 0, false),
        (SEND_MEDIA, 0, false),
        (SEND_MEDIA, 1, false),
        (SEND_MEDIA, 2, false),
        (SEND_MEDIA, 1, true),
        (GET_MESSAGES, 0, true),
        (SEND_MEDIA, 2, true),
    ] {
        for fault in [Fault::Hold, Fault::HoldBefore] {
            let user = scene.add_user();
            // With `expires`, the first post is made before, and its reference is not valid any more.
            let posted = usize::from(expires);
            if expires {
                join(&scene, user, &groups[..1]);
                scene.wait_for_photos(expected + 1);
                scene.wait_until_settled();
                scene.sim.expire_file_references();
            }
            let before = scene.sim.calls_of(method).len();
            let skip = skip - posted.min(skip);
            let held = Match::method(method).after(skip).once();
            scene.sim.fault(held, fault.clone());
            join(&scene, user, &groups[posted..]);
            scene.wait_for_call(method, before + skip + 1);
            scene.kill();
            scene.sim.release();
            scene.sim.clear_faults();
            scene.start();
            expected += groups.len();
            scene.wait_for_photos(expected);
            scene.wait_until_settled();
            let photos = scene.photos();
            assert_eq!(photos.len(), expected, "{method} {skip} {fault:?}");
            let of_user: Vec<_> = photos.iter().filter(|photo| photo.user == user).collect();
            let in_groups: BTreeSet<i64> = of_user.iter().map(|photo| photo.group).collect();
            assert_eq!(in_groups.len(), groups.len(), "{method} {skip} {fault:?}");
        }
    }
    scene.finish();
}

#[test]
fn a_lost_reply_to_a_repost_is_not_posted_twice() {
    let (scene, groups) = scene_with_groups(5);
    let user = scene.add_user();
    let second = Match::method(SEND_MEDIA).after(1).times(2);
    scene.sim.fault(second, Fault::LoseReply);
    join(&scene, user, &groups);
    wait_for_groups(&scene, user, &groups);
    assert_eq!(transfers(&scene), (1, 1));
    scene.finish();
}

#[test]
fn a_repost_that_stays_a_duplicate_is_settled_by_the_message_in_the_channel() {
    for kill in [false, true] {
        let (mut scene, groups) = scene_with_groups(3);
        let user = scene.add_user();
        join(&scene, user, &groups[..1]);
        wait_for_groups(&scene, user, &groups[..1]);
        let group = bot_api_id(groups[1]).to_string();
        let post = || Match::method(SEND_MEDIA).containing(group.clone());
        scene.sim.fault(post().once(), Fault::LoseReply);
        let duplicate = Fault::error(500, "RANDOM_ID_DUPLICATE");
        scene.sim.fault(post(), duplicate);
        join(&scene, user, &groups[1..2]);
        if kill {
            scene.wait_for_call(SEND_MEDIA, 3);
            scene.kill();
            scene.start();
        }
        wait_for_groups(&scene, user, &groups[..2]);
        scene.wait_for_log("it was found in the channel");
        // The document of the message that was found is posted for the next group.
        join(&scene, user, &groups[2..]);
        wait_for_groups(&scene, user, &groups);
        assert_eq!(transfers(&scene), (1, 1));
        scene.finish();
    }
}

#[test]
fn the_document_of_a_post_that_was_found_in_the_channel_is_posted_again() {
    let (scene, groups) = scene_with_groups(2);
    let user = scene.add_user();
    // No answer can be read; the message is found in the channel.
    let unreadable = Match::method(SEND_MEDIA).containing(bot_api_id(groups[0]).to_string());
    scene.sim.fault(unreadable, Fault::Unreadable);
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    join(&scene, user, &groups[1..]);
    wait_for_groups(&scene, user, &groups);
    assert_eq!(transfers(&scene), (1, 1));
    scene.finish();
}
