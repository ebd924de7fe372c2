//! A session that Telegram has ended: `login` keeps it aside and begins with a new one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use telegram_sim::{HOME_DC, Socks5Proxy};

use super::log_in;
use crate::harness::{Scene, assert_in_order, read_file};

/// The address of Telegram's data centre 2 that the client library has compiled in, which is the first home.
const COMPILED_IN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(149, 154, 167, 41), 443);

#[test]
fn a_session_that_telegram_has_ended_is_kept_aside_and_a_new_one_begins() {
    for (code, name) in [
        (401, "SESSION_REVOKED"),
        (401, "SESSION_EXPIRED"),
        (401, "AUTH_KEY_INVALID"),
        (401, "USER_DEACTIVATED_BAN"),
        (406, "AUTH_KEY_DUPLICATED"),
    ] {
        let mut scene = Scene::new();
        // A new session knows only the addresses that are compiled in.
        let home = scene.sim.address(HOME_DC);
        let redirects = BTreeMap::from([(COMPILED_IN, home), (home, home)]);
        let proxy = Socks5Proxy::start_redirecting(redirects).expect("a proxy");
        scene.set("proxy", &format!("enabled = true\nport = {}", proxy.port()));
        let ended = read_file(&scene.session());
        scene.sim.end_login(code, name);
        let (exit, output) = log_in(&scene, &[]);
        let aside = scene.data_dir().join("account.session.old-1");
        let moved = format!("Its file was moved to {}", aside.display());
        // The ordinary program does not know the simulator's RSA key, so it cannot negotiate a key.
        assert_in_order(
            &output,
            &[&moved, "no authorization key could be negotiated"],
        );
        assert_eq!(exit, Some(69), "{name}: {output}");
        assert!(!output.contains("Phone number"), "{output}");
        assert!(read_file(&aside) == ended, "the old session was changed");
        assert!(read_file(&scene.session()) != ended);
    }
}

#[test]
fn a_frozen_account_keeps_its_session() {
    let scene = Scene::new();
    let before = read_file(&scene.session());
    scene.sim.end_login(420, "FROZEN_METHOD_INVALID");
    let (exit, output) = log_in(&scene, &[]);
    assert_eq!(exit, Some(77), "{output}");
    assert!(read_file(&scene.session()) == before);
}
