//! The SOCKS5 proxy of `[proxy]` on a running daemon (docs/configuration.md, "[proxy]").

use std::net::{Ipv4Addr, TcpListener};

use telegram_sim::{JoinKind, OTHER_DC, PhotoSpec, Socks5Proxy, UserSpec, World};

use crate::harness::Scene;

const NAME: &str = "avatar";
const PROXY_PASSWORD: &str = "proxy-Secret-79";

/// The port of tcpmux, on which nothing listens.
const UNUSED_PORT: u16 = 1;

fn set_proxy(scene: &mut Scene, port: u16, password: Option<&str>) {
    scene.set("log", "level = \"trace\"");
    scene.set("proxy", &format!("enabled = true\nport = {port}"));
    if let Some(password) = password {
        let login = format!("username = {NAME:?}\npassword = {password:?}");
        scene.set("proxy", &login);
    }
}

#[test]
fn every_connection_goes_through_the_proxy_with_and_without_a_password() {
    for login in [None, Some((NAME, PROXY_PASSWORD))] {
        let proxy = Socks5Proxy::start(login).expect("a proxy");
        let mut scene = Scene::with_photo_size(64);
        let password = login.map(|(_, password)| password);
        set_proxy(&mut scene, proxy.port(), password);
        scene.start();
        let far = UserSpec::new("Far").photo(PhotoSpec::jpeg().dc(OTHER_DC));
        let user = scene.sim.add_user(far);
        scene.sim.join(scene.group, user, JoinKind::ByLink);
        scene.wait_for_photos(1);
        scene.wait_until_settled();
        scene.stop();
        let accepted = scene.sim.read(World::accepted);
        assert!(accepted >= 2, "{accepted}");
        assert_eq!(proxy.relayed(), accepted);
        assert_eq!(proxy.refused(), 0);
        let log = scene.log();
        assert!(!log.contains(PROXY_PASSWORD), "{log}");
        scene.finish();
    }
}

#[test]
fn the_log_names_a_proxy_that_refuses_the_login_or_does_not_listen() {
    let strict = Socks5Proxy::start(Some((NAME, "another"))).expect("a proxy");
    for (port, password, cause, remedy) in [
        (
            strict.port(),
            Some(PROXY_PASSWORD),
            "refused the user name or password",
            "check [proxy] username and password",
        ),
        (
            strict.port(),
            None,
            "requires another kind of login",
            "check [proxy] username and password",
        ),
        (
            UNUSED_PORT,
            Some(PROXY_PASSWORD),
            "cannot be reached",
            "[proxy] hostname and port",
        ),
    ] {
        let scene = scene_that_logs("trying again in", port, password, &[cause, remedy]);
        assert_eq!(scene.sim.read(World::accepted), 0);
    }
    assert!(strict.refused() > 0);
}

#[test]
fn the_log_names_a_proxy_that_accepts_connections_and_stays_silent() {
    // The kernel accepts connections for this listener, and nothing ever answers them.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let remedy = [
        "check that it runs and reaches Telegram",
        "[proxy] hostname and port",
    ];
    let start = "no answer through the proxy";
    scene_that_logs(start, port, Some(PROXY_PASSWORD), &remedy);
}

/// Runs a daemon until its log has a line with `awaited`, and checks that this line has the address of the proxy and
/// these words, and that the log has no secret.
fn scene_that_logs(awaited: &str, port: u16, password: Option<&str>, words: &[&str]) -> Scene {
    let mut scene = Scene::with_photo_size(64);
    set_proxy(&mut scene, port, password);
    scene.launch();
    scene.wait_for_log(awaited);
    scene.stop();
    let log = scene.log();
    let address = format!("the proxy 127.0.0.1:{port}");
    let line = log.lines().find(|line| line.contains(awaited));
    for words in words.iter().copied().chain([address.as_str()]) {
        assert!(line.is_some_and(|line| line.contains(words)), "{log}");
    }
    assert!(!log.contains(PROXY_PASSWORD), "{log}");
    scene
}
