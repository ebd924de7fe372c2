//! Downloads stop while little space is free on the file system of the spool.
//!
//! The daemon runs in a mount namespace of its own, in which the spool is a small file system with a file that fills it.
//! This needs Linux with unprivileged user namespaces, or root.

use std::process::{Command, Stdio};

use crate::harness::Scene;

#[test]
fn downloads_stop_while_little_space_is_free() {
    let mut scene = Scene::with_photo_size(64);
    let spool = scene.spool();
    std::fs::create_dir(&spool).expect("a spool");
    let inner = scene.command("run");
    let script = format!(
        "mount -t tmpfs -o size=96m,mode=700 tmpfs '{0}' && head -c 50000000 /dev/zero > '{0}/filler' && exec \"$0\" \"$@\"",
        spool.display()
    );
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "--", "sh", "-c", &script])
        .arg(inner.get_program())
        .args(inner.get_args())
        .stdin(Stdio::null());
    scene.launch_with(command);
    let hide = scene.hide;
    scene.wait_for("the online report", |world| world.count_posts(hide) == 1);
    let user = scene.join_user();
    scene.wait_for_outcome(user, "queued");
    scene.wait_for_log("little space is free");
    assert_eq!(scene.sim.calls_of("upload.getFile").len(), 0);
    // A report needs no space in the spool.
    let data = serde_json::json!({"admin_id": 5, "message_id": 6});
    scene.obey("HIDE", "version", "ask", &data);
    scene.wait_for_envelopes("version", "reply", 1);
    let root = format!("/proc/{}/root", scene.pid().as_raw_nonzero());
    std::fs::remove_file(format!("{root}{}/filler", spool.display())).expect("removed");
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish();
}
