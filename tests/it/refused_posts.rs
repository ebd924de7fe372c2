//! Posts that Telegram refuses for a while, answers with RANDOM_ID_DUPLICATE or unreadably for ever, or began in a
//! channel that is no longer configured (docs/operations.md, "Failed posts").

use telegram_sim::{Fault, Match};

use crate::harness::Scene;

const SEND_MEDIA: &str = "messages.sendMedia";
const FAILED: &str = "SELECT 1 FROM joins WHERE outcome = 'failed'";

#[test]
fn a_post_that_is_refused_for_a_while_is_not_given_up() {
    for (name, users, refusals) in [
        ("MEDIA_INVALID", 1, 3),
        ("MEDIA_INVALID", 6, 6),
        ("UNHEARD_OF", 6, 6),
    ] {
        let scene = Scene::started();
        let refused = Match::method(SEND_MEDIA).times(refusals);
        scene.sim.fault(refused, Fault::error(400, name));
        scene.join_users(users);
        assert_eq!(scene.wait_for_photos(users).len(), users);
        assert_eq!(scene.count(FAILED), 0);
        scene.finish();
    }
}

#[test]
fn only_a_post_that_is_refused_for_ten_minutes_is_given_up() {
    let mut scene = Scene::started();
    let user = scene.add_user();
    let refused = Match::method(SEND_MEDIA).containing(user.to_string());
    scene.sim.fault(refused, Fault::error(400, "MEDIA_INVALID"));
    scene
        .sim
        .join(scene.group, user, telegram_sim::JoinKind::ByLink);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE refused_at IS NOT NULL", 1);
    let other = scene.join_user();
    assert_eq!(scene.wait_for_photos(1)[0].user, other);
    scene.kill();
    assert_eq!(scene.count(FAILED), 0);
    let change = "refused_at = refused_at - 600, due_at = 0 WHERE refused_at IS NOT NULL";
    scene.execute(&format!("UPDATE outbox SET {change}"));
    scene.start();
    scene.wait_for_outcome(user, "failed");
    scene.finish_with_next_photo(1);
}

#[test]
fn a_duplicate_that_stays_is_settled_by_the_message_in_the_channel() {
    for kill in [false, true] {
        let mut scene = Scene::started();
        scene
            .sim
            .fault(Match::method(SEND_MEDIA).once(), Fault::LoseReply);
        let user = scene.add_user();
        let duplicate = Match::method(SEND_MEDIA).containing(user.to_string());
        scene
            .sim
            .fault(duplicate, Fault::error(500, "RANDOM_ID_DUPLICATE"));
        scene
            .sim
            .join(scene.group, user, telegram_sim::JoinKind::ByLink);
        if kill {
            scene.wait_for_call(SEND_MEDIA, 2);
            scene.kill();
            scene.start();
        }
        scene.wait_for_outcome(user, "forwarded");
        scene.wait_for_log("RANDOM_ID_DUPLICATE");
        let posts = scene.sim.posts(scene.hide);
        let photo = posts.iter().find(|post| post.file.is_some());
        let recorded: i32 = scene.query("SELECT message_id FROM forwarded", |row| row.get(0))[0];
        assert_eq!(photo.map(|photo| photo.id), Some(recorded));
        let uploads = scene.sim.calls_of("upload.saveFilePart").len();
        assert_eq!(
            uploads,
            if kill { 3 } else { 2 },
            "a duplicate was uploaded again"
        );
        scene.finish_with_next_photo(1);
    }
}

#[test]
fn a_post_whose_answers_cannot_be_read_is_settled_by_the_message_in_the_channel() {
    let scene = Scene::started();
    let user = scene.add_user();
    let post = Match::method(SEND_MEDIA).containing(user.to_string());
    scene.sim.fault(post, Fault::Unreadable);
    scene
        .sim
        .join(scene.group, user, telegram_sim::JoinKind::ByLink);
    scene.wait_for_outcome(user, "forwarded");
    assert_eq!(scene.sim.calls_of("upload.saveFilePart").len(), 1);
    scene.finish_with_next_photo(1);
}

#[test]
fn a_duplicate_without_a_message_is_repeated_without_another_upload() {
    let scene = Scene::started();
    let user = scene.add_user();
    let duplicate = Match::method(SEND_MEDIA).times(4);
    scene
        .sim
        .fault(duplicate, Fault::error(500, "RANDOM_ID_DUPLICATE"));
    scene
        .sim
        .join(scene.group, user, telegram_sim::JoinKind::ByLink);
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    assert_eq!(scene.sim.calls_of("upload.saveFilePart").len(), 1);
    scene.finish();
}

#[test]
fn a_post_begun_in_a_channel_that_is_no_longer_configured_goes_to_hide() {
    let mut scene = Scene::with_photo_size(64);
    scene.add_exchange();
    scene.start();
    scene.refuse_file_posts();
    let user = scene.join_user();
    scene.wait_for_call(SEND_MEDIA, 1);
    scene.kill();
    scene.sim.clear_faults();
    scene.remove_exchange();
    scene.launch();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.wait_for_log("no longer configured");
    scene.finish();
}
