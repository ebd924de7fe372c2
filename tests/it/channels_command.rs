//! `channels` and the list after a login: the account's channels with their ids and rights, for an operator whose
//! configuration has no `hide_channel_id` yet.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use telegram_sim::{Fault, Match, Socks5Proxy, bot_api_id};

use crate::harness::{Scene, assert_contains, assert_in_order, output_of, read_file};

const ACCOUNT_ONLY: &str =
    "[telegram]\napi_id = 1\napi_hash = \"0123456789abcdef0123456789abcdef\"\n";

/// Runs a subcommand with this text as the whole configuration.
fn run_with(scene: &Scene, subcommand: &str, config: &str) -> (Option<i32>, String, String) {
    let mut command = scene.command(subcommand);
    fs::write(scene.write_config(), config).expect("written");
    output_of(&mut command)
}

/// Makes a scene with HIDE, a channel that the account may only read, and two groups. Returns it and that channel.
fn scene() -> (Scene, i64) {
    let scene = Scene::new();
    let news = scene.sim.add_channel("News \u{202e}of the fleet", false);
    scene.sim.add_group("Second group");
    (scene, news)
}

/// Returns the line of a table that has this id.
fn line_of(out: &str, id: i64) -> &str {
    let id = bot_api_id(id).to_string();
    let mut lines = out.lines().filter(|line| line.starts_with(&id));
    lines.next().unwrap_or_else(|| panic!("no {id} in\n{out}"))
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

#[test]
fn channels_lists_every_channel_and_group_with_id_and_right() {
    let (scene, news) = scene();
    let before = read_file(&scene.session());
    let (code, out, err) = run_with(&scene, "channels", ACCOUNT_ONLY);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let me = format!("(id {})", scene.sim.me());
    assert_in_order(
        &out,
        &[
            "Connecting to Telegram…",
            "Logged in as",
            &me,
            "The account is in 2 groups and 2 channels.",
            "ID",
            &bot_api_id(scene.hide).to_string(),
            &bot_api_id(news).to_string(),
            &bot_api_id(scene.group).to_string(),
        ],
    );
    assert_eq!(
        words(line_of(&out, scene.hide))[1..],
        ["channel", "yes", "HIDE"]
    );
    assert_eq!(words(line_of(&out, news))[1..4], ["channel", "no", "News"]);
    assert_eq!(words(line_of(&out, scene.group))[1..3], ["group", "-"]);
    assert!(!out.contains('\u{202e}'), "{out}");
    assert!(
        read_file(&scene.session()) == before,
        "the session was changed"
    );
    assert!(!scene.state().exists(), "it made a state.db");
    scene.finish();
}

#[test]
fn login_prints_the_channels_and_counts_the_groups() {
    let (scene, news) = scene();
    let unfilled = format!("{ACCOUNT_ONLY}[channels]\nhide_channel_id = \"[DATA EXPUNGED]\"\n");
    let (code, out, err) = run_with(&scene, "login", &unfilled);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_contains(&out, &["The account is in 2 groups and 2 channels."]);
    line_of(&out, scene.hide);
    line_of(&out, news);
    let group = bot_api_id(scene.group).to_string();
    assert!(!out.contains(&group), "{out}");
    scene.finish();
}

#[test]
fn unknown_names_and_errors_in_the_two_sections_still_count() {
    let scene = Scene::new();
    for (lines, words) in [
        ("data_dirr = \"x\"\n", "did you mean data_dir?"),
        ("[delivry]\nx = 1\n", "[delivry]"),
        (
            "[channels]\nhide_chanel_id = 1\n",
            "did you mean hide_channel_id?",
        ),
        ("[proxy]\nenabled = true\nport = 0\n", "[proxy] port"),
        ("[custom]\nnospam = = 1\n", "config.toml:5:"),
        ("channels = 5\n", "channels"),
    ] {
        for subcommand in ["login", "channels"] {
            let (code, out, err) = run_with(&scene, subcommand, &format!("{ACCOUNT_ONLY}{lines}"));
            assert_eq!((code, out.as_str()), (Some(78), ""), "{lines}: {err}");
            assert_contains(&err, &["the configuration cannot be used:", words]);
        }
    }
    assert!(scene.sim.calls().is_empty());
}

#[test]
fn channels_reads_state_db_while_the_program_runs_and_says_so() {
    let (mut scene, news) = scene();
    scene.start_and_sync();
    let pid = scene.pid().as_raw_nonzero().to_string();
    let calls = scene.sim.calls_of("messages.getDialogs").len();
    let (code, out, err) = output_of(&mut scene.command("channels"));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_in_order(
        &out,
        &[&format!("(pid {pid}) runs on"), "from state.db", "ID"],
    );
    assert_eq!(
        words(line_of(&out, scene.hide))[1..],
        ["channel", "yes", "HIDE"]
    );
    line_of(&out, scene.group);
    assert!(!out.contains(&bot_api_id(news).to_string()), "{out}");
    assert_eq!(scene.sim.calls_of("messages.getDialogs").len(), calls);
    scene.finish();
}

#[test]
fn channels_without_a_login_names_the_login_command_and_makes_no_file() {
    let scene = Scene::new();
    fs::remove_file(scene.session()).expect("removed");
    let (code, _, err) = run_with(&scene, "channels", ACCOUNT_ONLY);
    assert_eq!(code, Some(77), "{err}");
    assert!(err.contains("scp-079-avatar login"), "{err}");
    let left = fs::read_dir(scene.data_dir()).expect("readable").count();
    assert_eq!(left, 0);
    scene
        .sim
        .write_session_unauthorized(scene.session())
        .expect("a session");
    let (code, _, err) = run_with(&scene, "channels", ACCOUNT_ONLY);
    assert_eq!(code, Some(77), "{err}");
    assert!(err.contains("scp-079-avatar login"), "{err}");
}

#[test]
fn a_short_rate_limit_is_waited_for_and_a_long_one_is_named() {
    let scene = Scene::new();
    let dialogs = || Match::method("messages.getDialogs").once();
    scene.sim.fault(dialogs(), Fault::FloodWait(1));
    let (code, out, err) = run_with(&scene, "channels", ACCOUNT_ONLY);
    assert_eq!(code, Some(0), "{err}");
    assert!(!out.contains("FLOOD_WAIT"), "{out}");
    line_of(&out, scene.hide);
    let calls = scene.sim.calls_of("messages.getDialogs").len();

    scene.sim.fault(dialogs(), Fault::FloodWait(7200));
    let (code, out, err) = run_with(&scene, "channels", ACCOUNT_ONLY);
    assert_eq!(code, Some(1), "{out}{err}");
    assert_contains(&err, &["try again after 20"]);
    assert_eq!(scene.sim.calls_of("messages.getDialogs").len(), calls + 1);

    // A list that cannot be read does not undo a login.
    scene.sim.fault(dialogs(), Fault::FloodWait(7200));
    let (code, out, err) = run_with(&scene, "login", ACCOUNT_ONLY);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert_in_order(
        &out,
        &[
            "Already logged in",
            "try again after 20",
            "scp-079-avatar channels",
        ],
    );
    scene.finish();
}

#[test]
fn a_proxy_is_named_before_the_first_wait() {
    let scene = Scene::new();
    let proxy = Socks5Proxy::start(None).expect("a proxy");
    let with_proxy = |port| format!("{ACCOUNT_ONLY}[proxy]\nenabled = true\nport = {port}\n");
    let (code, out, err) = run_with(&scene, "channels", &with_proxy(proxy.port()));
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let line = format!(
        "Connecting to Telegram through the proxy 127.0.0.1:{}…\n",
        proxy.port()
    );
    assert!(out.starts_with(&line), "{out}");

    // The port of a listener that is gone refuses connections.
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    for subcommand in ["login", "channels"] {
        let (code, out, err) = run_with(&scene, subcommand, &with_proxy(port));
        assert_eq!(code, Some(69), "{out}{err}");
        assert!(out.starts_with("Connecting to Telegram through"), "{out}");
        assert_contains(&err, &[&format!("the proxy 127.0.0.1:{port}")]);
    }
}

#[test]
fn run_logs_that_it_connects_before_the_first_call() {
    let mut scene = Scene::new();
    let proxy = Socks5Proxy::start(None).expect("a proxy");
    scene.set("proxy", &format!("enabled = true\nport = {}", proxy.port()));
    scene.start();
    let address = format!("127.0.0.1:{}", proxy.port());
    assert_in_order(
        &scene.log(),
        &["connecting to Telegram", &address, "watching"],
    );
    scene.finish();
}
