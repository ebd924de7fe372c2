//! A raid is one line a minute for an operator who logs nothing below `warn` (docs/operations.md, "Quiet logs").

use crate::harness::Scene;

#[test]
fn a_raid_is_one_line_a_minute_at_the_level_warn() {
    let mut scene = Scene::with_photo_size(64);
    scene.set("log", "level = \"warn\"");
    scene.start();
    scene.join_users(25);
    scene.wait_for_photos(25);
    scene.wait_for_log("raid: the joins and photos of the last minute joins=");
    scene.join_users(25);
    scene.wait_for_photos(50);
    let log = scene.log();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 1, "{log}");
    let figure = |name: &str| -> u64 {
        let (_, rest) = lines[0].split_once(&format!(" {name}=")).expect(name);
        let number = rest.split(' ').next().unwrap_or_default();
        number.parse().expect("a number")
    };
    assert!((20..=25).contains(&figure("joins")), "{log}");
    assert!(figure("forwarded") + figure("waiting") <= 25, "{log}");
    scene.finish();
}
