//! One photo of one member for many groups: one download, one upload, and for every further group a post of the document
//! that Telegram has already (docs/outcomes.md, "One photo for several groups").

mod interruptions;
mod refusals;

use std::collections::BTreeSet;

use serde_json::json;
use telegram_sim::{Fault, JoinKind, Match, PhotoSpec, bot_api_id};

use crate::harness::{PostedPhoto, Scene, execute_batch};

const SEND_MEDIA: &str = "messages.sendMedia";
const UPLOAD: &str = "upload.saveFilePart";
const DOWNLOAD: &str = "upload.getFile";
const GET_MESSAGES: &str = "channels.getMessages";

/// Makes a scene with `count` groups, and starts the daemon.
fn scene_with_groups(count: usize) -> (Scene, Vec<i64>) {
    let mut scene = Scene::with_photo_size(64);
    let groups = scene.sim.add_groups(count);
    scene.start_and_sync();
    (scene, groups)
}

fn join(scene: &Scene, user: i64, groups: &[i64]) {
    for group in groups {
        scene.sim.join(*group, user, JoinKind::ByLink);
    }
}

/// Waits until a photo was posted once for each of these groups and no other one, and returns the posts.
fn wait_for_groups(scene: &Scene, user: i64, groups: &[i64]) -> Vec<PostedPhoto> {
    scene.wait_for_photos(groups.len());
    scene.wait_until_settled();
    let photos = scene.photos();
    let posted: Vec<i64> = photos.iter().map(|photo| photo.group).collect();
    let expected: BTreeSet<i64> = groups.iter().map(|group| bot_api_id(*group)).collect();
    assert_eq!(posted.len(), groups.len(), "{posted:?}");
    assert_eq!(posted.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(photos.iter().all(|photo| photo.user == user));
    let first = &photos[0].image;
    assert!(photos.iter().all(|photo| photo.image == *first));
    photos
}

fn wait_for_file_in_hide(scene: &Scene) {
    scene.wait_for("the photo in HIDE", |world| {
        let posts = world.posts(scene.hide);
        posts.iter().any(|post| post.file.is_some())
    });
}

/// Returns the numbers of calls that downloaded and uploaded a file of one part.
fn transfers(scene: &Scene) -> (usize, usize) {
    let count = |method| scene.sim.calls_of(method).len();
    (count(DOWNLOAD), count(UPLOAD))
}

/// Returns the number of documents that the photos in `channel` have.
fn documents(scene: &Scene, channel: i64) -> usize {
    let posts = scene.sim.posts(channel).into_iter();
    let files = posts
        .filter(|post| post.by_account)
        .filter_map(|post| post.file);
    files
        .map(|file| file.document)
        .collect::<BTreeSet<_>>()
        .len()
}

#[test]
fn a_photo_for_forty_groups_is_downloaded_and_uploaded_once() {
    for files in ["sealed", "python"] {
        let mut scene = Scene::with_photo_size(64);
        scene.set("exchange", &format!("files = {files:?}"));
        let groups = scene.sim.add_groups(40);
        scene.start_and_sync();
        let user = scene.add_user();
        join(&scene, user, &groups);
        let photos = wait_for_groups(&scene, user, &groups);
        if files == "sealed" {
            assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
        }
        assert_eq!(transfers(&scene), (1, 1), "{files}");
        assert_eq!(scene.sim.calls_of(SEND_MEDIA).len(), 40);
        assert_eq!(documents(&scene, scene.hide), 1);
        scene.finish();
    }
}

#[test]
fn a_photo_is_downloaded_once_for_joins_one_after_the_other_and_over_a_restart() {
    let (mut scene, groups) = scene_with_groups(4);
    let user = scene.add_user();
    for count in 1..=groups.len() {
        join(&scene, user, &groups[count - 1..count]);
        wait_for_groups(&scene, user, &groups[..count]);
        if count == 2 {
            scene.kill();
            scene.start();
        }
    }
    assert_eq!(transfers(&scene), (1, 1));
    scene.finish();
}

#[test]
fn a_post_from_long_ago_does_not_spare_the_download_but_the_upload() {
    let (mut scene, groups) = scene_with_groups(2);
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    scene.kill();
    scene.execute("UPDATE outbox SET settled_at = settled_at - 3700 WHERE kind = 'avatar'");
    scene.start();
    join(&scene, user, &groups[1..]);
    wait_for_groups(&scene, user, &groups);
    assert_eq!(transfers(&scene), (2, 1));
    scene.finish();
}

#[test]
fn another_photo_of_the_same_member_is_another_file() {
    let (scene, groups) = scene_with_groups(2);
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    scene.wait_for_photos(1);
    let first = scene.sim.photo_bytes(user);
    scene
        .sim
        .set_photo(user, Some(PhotoSpec::jpeg().size(99, 99)));
    join(&scene, user, &groups[1..]);
    scene.wait_for_photos(2);
    scene.wait_until_settled();
    assert_eq!(documents(&scene, scene.hide), scene.photos().len());
    let photos = scene.photos();
    let second = scene.sim.photo_bytes(user);
    assert!(photos.iter().any(|photo| photo.image == second));
    assert!(photos.iter().any(|photo| photo.image == first));
    scene.finish();
}

#[test]
fn another_account_uploads_the_file_itself() {
    for is_named in [true, false] {
        let (mut scene, groups) = scene_with_groups(2);
        let user = scene.add_user();
        join(&scene, user, &groups[..1]);
        wait_for_groups(&scene, user, &groups[..1]);
        scene.stop();
        if is_named {
            // As if another account had made the post.
            execute_batch(
                &scene.state(),
                "UPDATE settings SET value = '77' WHERE key = 'account'",
            );
        } else {
            // The account may be another one, as long as Telegram does not name it.
            let own = Match::method("users.getUsers").times(2);
            scene.sim.fault(own, Fault::FloodWait(1));
        }
        scene.start();
        join(&scene, user, &groups[1..]);
        wait_for_groups(&scene, user, &groups);
        assert_eq!(transfers(&scene), (2, 2), "{is_named}");
        assert_eq!(documents(&scene, scene.hide), 2);
        scene.finish();
    }
}

#[test]
fn a_file_of_another_format_is_made_again() {
    let (mut scene, groups) = scene_with_groups(2);
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    scene.stop();
    scene.set("exchange", "files = \"python\"");
    scene.start();
    join(&scene, user, &groups[1..]);
    scene.wait_for_photos(2);
    scene.wait_until_settled();
    let posts = scene.sim.posts(scene.hide).into_iter();
    let files: Vec<_> = posts.filter_map(|post| post.file).collect();
    assert!(files[0].bytes.starts_with(b"SCP079"));
    assert!(files[1].bytes.starts_with(b"AES"));
    scene.finish();
}

#[test]
fn a_photo_that_waits_is_made_again_in_another_format() {
    let (mut scene, groups) = scene_with_groups(2);
    scene
        .sim
        .fault(Match::method(SEND_MEDIA), Fault::HoldBefore);
    let begun = scene.add_user();
    join(&scene, begun, &groups[..1]);
    scene.wait_for_call(SEND_MEDIA, 1);
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    let waiting = "SELECT 1 FROM outbox WHERE state = 'fetched' AND spool IS NOT NULL";
    scene.wait_for_rows(waiting, 1);
    scene.kill();
    scene.sim.release();
    scene.sim.clear_faults();
    scene.set("exchange", "files = \"python\"");
    scene.start();
    join(&scene, user, &groups[1..]);
    let of_user = |text: &str| text.contains(&user.to_string());
    scene.wait_for("both photos of the user", |world| {
        let posts = world.posts(scene.hide);
        let photos = posts.iter().filter(|post| post.file.is_some());
        photos.filter(|post| of_user(&post.text)).count() == 2
    });
    for post in scene.sim.posts(scene.hide) {
        if let Some(file) = post.file.filter(|_| of_user(&post.text)) {
            assert!(
                file.bytes.starts_with(b"AES"),
                "the format of the first run"
            );
        }
    }
    scene.finish();
}

#[test]
fn a_document_in_exchange_is_posted_in_hide() {
    let mut scene = Scene::with_photo_size(64);
    let exchange = scene.add_exchange();
    let groups = scene.sim.add_groups(2);
    scene.start_and_sync();
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    scene.order_to("EMERGENCY", "MANAGE", "backup", "hide", &json!(true));
    scene.wait_for_rows(
        "SELECT 1 FROM settings WHERE key = 'route' AND value = 'hide'",
        1,
    );
    join(&scene, user, &groups[1..]);
    wait_for_file_in_hide(&scene);
    assert_eq!(scene.photos_in(exchange).len(), 1);
    assert_eq!(scene.photos_in(scene.hide).len(), 1);
    assert_eq!(transfers(&scene), (1, 1));
    scene.finish();
}

#[test]
fn a_document_in_a_channel_that_the_account_left_is_not_posted_again() {
    let mut scene = Scene::with_photo_size(64);
    let exchange = scene.add_exchange();
    let groups = scene.sim.add_groups(2);
    scene.start_and_sync();
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    scene.sim.kick_me(exchange);
    scene.wait_for_rows("SELECT 1 FROM ledger WHERE NOT present", 1);
    join(&scene, user, &groups[1..]);
    wait_for_file_in_hide(&scene);
    assert_eq!(transfers(&scene), (2, 2));
    scene.finish();
}
