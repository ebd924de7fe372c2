//! Joins of every kind are forwarded, also from the other data centre.

use telegram_sim::{JoinKind, OTHER_DC, PhotoSpec, UserSpec, bot_api_id};

use crate::harness::Scene;

#[test]
fn joins_of_every_kind_are_forwarded_once_and_unchanged() {
    let mut scene = Scene::new();
    scene.start();
    let adder = scene.sim.add_user(UserSpec::new("AddedBy"));
    let mut expected = Vec::new();
    for how in [
        JoinKind::AddedBy(adder),
        JoinKind::BySelf,
        JoinKind::ByLink,
        JoinKind::ByRequest,
        JoinKind::ViaCommunity,
    ] {
        let user = scene.add_user();
        let message = scene.sim.join(scene.group, user, how);
        expected.push((user, message));
    }
    let added: Vec<i64> = (0..3).map(|_| scene.add_user()).collect();
    let message = scene.sim.join_many(scene.group, &added, adder);
    expected.extend(added.into_iter().map(|user| (user, message)));

    let mut photos = scene.wait_for_photos(expected.len());
    photos.sort_by_key(|photo| photo.user);
    expected.sort_unstable();
    assert_eq!(photos.len(), expected.len());
    for (photo, (user, message)) in photos.iter().zip(&expected) {
        assert_eq!((photo.user, photo.message), (*user, i64::from(*message)));
        assert_eq!(photo.group, bot_api_id(scene.group));
        assert_eq!(photo.image, scene.sim.photo_bytes(*user));
    }
    scene.finish();
}

#[test]
fn a_photo_in_the_other_data_centre_is_forwarded() {
    let mut scene = Scene::new();
    scene.start();
    let user = scene
        .sim
        .add_user(UserSpec::new("Far").photo(PhotoSpec::jpeg().dc(OTHER_DC)));
    scene.sim.join(scene.group, user, JoinKind::ByLink);
    let photos = scene.wait_for_photos(1);
    assert_eq!(photos[0].image, scene.sim.photo_bytes(user));
    assert_eq!(scene.sim.calls_of("auth.importAuthorization").len(), 1);
    scene.finish();
}
