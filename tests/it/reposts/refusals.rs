//! A document that Telegram refuses is named by a fresh reference, or its file is uploaded.

use telegram_sim::{Fault, Match};

use super::{
    GET_MESSAGES, SEND_MEDIA, UPLOAD, documents, join, scene_with_groups, transfers,
    wait_for_groups,
};
use crate::harness::Scene;

/// Returns how many posts were refused with an error whose name begins so.
fn refusals(scene: &Scene, name: &str) -> usize {
    let calls = scene.sim.calls_of(SEND_MEDIA);
    let errors = calls.iter().filter_map(|call| call.error());
    errors
        .filter(|error| error.message.starts_with(name))
        .count()
}

/// Lets the user join while posts fail, until every row has its file in the spool; then kills the daemon and ends the
/// faults.
fn join_and_spool(scene: &mut Scene, user: i64, groups: &[i64]) {
    scene.refuse_file_posts();
    join(scene, user, groups);
    scene.wait_for_rows(
        "SELECT 1 FROM outbox WHERE kind = 'avatar' AND spool IS NOT NULL",
        groups.len(),
    );
    scene.kill();
    scene.sim.clear_faults();
    scene.execute("UPDATE outbox SET due_at = 0 WHERE kind = 'avatar'");
}

#[test]
fn an_expired_reference_is_renewed_once_for_all_groups() {
    let (scene, groups) = scene_with_groups(40);
    let user = scene.add_user();
    join(&scene, user, &groups[..20]);
    wait_for_groups(&scene, user, &groups[..20]);
    let read_before = scene.sim.calls_of(GET_MESSAGES).len();
    scene.sim.expire_file_references();
    join(&scene, user, &groups[20..]);
    wait_for_groups(&scene, user, &groups);
    assert_eq!(transfers(&scene), (1, 1));
    assert_eq!(refusals(&scene, "FILE_REFERENCE_EXPIRED"), 1);
    assert_eq!(scene.sim.calls_of(GET_MESSAGES).len(), read_before + 1);
    assert_eq!(documents(&scene, scene.hide), 1);
    scene.finish();
}

#[test]
fn a_photo_without_a_file_waits_for_a_renewal_that_is_limited_for_a_short_time() {
    let (scene, groups) = scene_with_groups(2);
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    scene.sim.expire_file_references();
    let renewal = Match::method(GET_MESSAGES).once();
    scene.sim.fault(renewal, Fault::FloodWait(2));
    join(&scene, user, &groups[1..]);
    wait_for_groups(&scene, user, &groups);
    assert_eq!(transfers(&scene), (1, 1));
    scene.finish();
}

#[test]
fn a_document_that_telegram_refuses_is_uploaded_from_the_spool() {
    for (name, renewals) in [
        ("FILE_REFERENCE_INVALID", 1),
        ("FILE_REFERENCE_0_EXPIRED", 1),
        ("MEDIA_EMPTY", 0),
        ("DOCUMENT_INVALID", 0),
    ] {
        let (mut scene, groups) = scene_with_groups(3);
        let user = scene.add_user();
        join_and_spool(&mut scene, user, &groups);
        let (downloads, uploads_before) = transfers(&scene);
        let read_before = scene.sim.calls_of(GET_MESSAGES).len();
        let second = Match::method(SEND_MEDIA).after(1).once();
        scene.sim.fault(second, Fault::error(400, name));
        scene.start();
        wait_for_groups(&scene, user, &groups);
        // The simulator's reference did not expire: the message shows the one that was refused.
        let expected = (downloads, uploads_before + 2);
        assert_eq!(transfers(&scene), expected, "{name}");
        let renewed = scene.sim.calls_of(GET_MESSAGES).len() - read_before;
        assert_eq!(renewed, renewals, "{name}");
        scene.finish();
    }
}

#[test]
fn posts_are_uploads_where_the_content_of_the_channel_is_protected() {
    // inputMediaDocument
    const BY_DOCUMENT: [u8; 4] = 0xa876_3ab5_u32.to_le_bytes();
    let (scene, groups) = scene_with_groups(4);
    let refused = Match::method(SEND_MEDIA).containing(BY_DOCUMENT);
    let error = Fault::error(400, "CHAT_FORWARDS_RESTRICTED");
    scene.sim.fault(refused, error);
    let user = scene.add_user();
    join(&scene, user, &groups);
    wait_for_groups(&scene, user, &groups);
    assert_eq!(refusals(&scene, "CHAT_FORWARDS_RESTRICTED"), 3);
    assert_eq!(documents(&scene, scene.hide), 4);
    assert!(!scene.log().contains("cannot post there"));
    scene.finish();
}

#[test]
fn a_reference_that_expires_again_after_it_was_renewed_leads_to_an_upload() {
    let (mut scene, groups) = scene_with_groups(2);
    let user = scene.add_user();
    join(&scene, user, &groups[..1]);
    wait_for_groups(&scene, user, &groups[..1]);
    scene.sim.expire_file_references();
    scene
        .sim
        .fault(Match::method(GET_MESSAGES).once(), Fault::Hold);
    let read_before = scene.sim.calls_of(GET_MESSAGES).len();
    join(&scene, user, &groups[1..]);
    scene.wait_for_call(GET_MESSAGES, read_before + 1);
    scene.sim.expire_file_references();
    scene.sim.release();
    wait_for_groups(&scene, user, &groups);
    assert_eq!(transfers(&scene), (2, 2));
    assert_eq!(refusals(&scene, "FILE_REFERENCE_EXPIRED"), 2);
    scene.kill();
    scene.start();
    scene.finish();
}

#[test]
fn a_document_whose_post_was_deleted_is_uploaded_again() {
    let (scene, groups) = scene_with_groups(4);
    let user = scene.add_user();
    join(&scene, user, &groups[..2]);
    wait_for_groups(&scene, user, &groups[..2]);
    let posts = scene.sim.posts(scene.hide).into_iter();
    let photos: Vec<i32> = posts
        .filter(|post| post.file.is_some())
        .map(|post| post.id)
        .collect();
    scene.sim.delete_messages(scene.hide, &photos);
    join(&scene, user, &groups[2..]);
    wait_for_groups(&scene, user, &groups[2..]);
    assert_eq!(transfers(&scene), (2, 2));
    assert_eq!(documents(&scene, scene.hide), 1);
    scene.finish();
}

#[test]
fn a_renewal_without_an_answer_is_repeated_and_a_limited_one_is_an_upload() {
    for (fault, uploads) in [
        (Fault::CutBefore, 1),
        (Fault::LoseReply, 1),
        (Fault::error(500, "INTERNAL"), 1),
        (Fault::FloodWait(3000), 2),
        (Fault::error(400, "CHANNEL_PRIVATE"), 2),
    ] {
        let (scene, groups) = scene_with_groups(2);
        let user = scene.add_user();
        join(&scene, user, &groups[..1]);
        wait_for_groups(&scene, user, &groups[..1]);
        scene.sim.expire_file_references();
        let once = Match::method(GET_MESSAGES).once();
        scene.sim.fault(once, fault.clone());
        join(&scene, user, &groups[1..]);
        wait_for_groups(&scene, user, &groups);
        assert_eq!(scene.sim.calls_of(UPLOAD).len(), uploads, "{fault:?}");
        scene.finish();
    }
}
