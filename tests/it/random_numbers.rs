//! An operating system without random numbers: the program ends and says so, instead of trying again for ever.
//!
//! A library that the program loads before libc stands for the failing system. `cc` builds it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Scene, assert_contains};

/// Fails for every caller while the file SWITCH exists. The first call of a process has no length: it only asks
/// whether there is a generator.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    if (length > 0 && access(SWITCH, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_getrandom, buffer, length, flags);
}
"#;

/// A generator of random numbers that a test can break.
struct Generator {
    directory: TempDir,
}

impl Generator {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let generator = Self { directory };
        let source = generator.path("getrandom.c");
        fs::write(&source, LIBRARY).expect("written");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([&generator.library(), &source])
            .arg(format!("-DSWITCH=\"{}\"", generator.switch().display()))
            .status()
            .expect("a C compiler");
        assert!(built.success());
        generator
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.directory.path()).join(name)
    }

    fn library(&self) -> PathBuf {
        self.path("getrandom.so")
    }

    fn switch(&self) -> PathBuf {
        self.path("broken")
    }

    fn fail(&self) {
        fs::write(self.switch(), "").expect("written");
    }

    fn recover(&self) {
        fs::remove_file(self.switch()).expect("removed");
    }

    /// Starts the daemon with this generator.
    fn launch(&self, scene: &mut Scene) {
        let mut command = scene.command("run");
        command.env("LD_PRELOAD", self.library());
        scene.launch_with(command);
    }
}

fn assert_ends(scene: &mut Scene) {
    let (code, log) = scene.wait_for_exit();
    assert_eq!(code, Some(70), "{log}");
    assert_contains(&log, &["the operating system returned no random numbers"]);
    assert!(!log.contains("disk"), "{log}");
}

/// Ends a test whose first process was never online.
fn assert_goes_on(mut scene: Scene) {
    scene.launch();
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE state = 'sent'", 1);
    scene.finish_with_next_photo(0);
}

#[test]
fn a_generator_that_fails_while_the_program_runs_ends_it() {
    let generator = Generator::new();
    let mut scene = Scene::with_photo_size(64);
    generator.launch(&mut scene);
    scene.wait_for_rows("SELECT 1 FROM outbox WHERE state = 'sent'", 1);
    let user = scene.add_user();
    generator.fail();
    scene
        .sim
        .join(scene.group, user, telegram_sim::JoinKind::ByLink);
    assert_ends(&mut scene);
    generator.recover();
    scene.start();
    assert_eq!(scene.wait_for_photos(1)[0].user, user);
    scene.finish_with_next_photo(1);
}

#[test]
fn a_generator_that_fails_at_start_ends_the_program() {
    let generator = Generator::new();
    let mut scene = Scene::with_photo_size(64);
    generator.fail();
    generator.launch(&mut scene);
    assert_ends(&mut scene);
    assert_eq!(scene.sim.calls().len(), 0, "the program connected");
    generator.recover();
    assert_goes_on(scene);
}

#[test]
fn a_generator_that_fails_while_the_program_connects_ends_it() {
    let generator = Generator::new();
    let mut scene = Scene::with_photo_size(64);
    scene.sim.refuse_connections(true);
    generator.launch(&mut scene);
    scene.wait_for_log("trying again");
    generator.fail();
    scene.sim.refuse_connections(false);
    assert_ends(&mut scene);
    generator.recover();
    assert_goes_on(scene);
}
