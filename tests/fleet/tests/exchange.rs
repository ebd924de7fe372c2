//! The stand-ins against posts of an account that the test writes itself.

use std::time::Duration;

use fleet_exchange::format_data;
use fleet_sim::{Channels, Files, Fleet, Verdict};
use serde_json::{Value, json};
use telegram_sim::{Options, Simulator, bot_api_id};

const PASSWORD: &str = "a password";
const TIMEOUT: Duration = Duration::from_secs(10);

struct Scene {
    sim: Simulator,
    hide: i64,
    fleet: Fleet,
}

impl Scene {
    fn new(both: bool) -> Self {
        let sim = Simulator::start(Options::default()).expect("a simulator");
        let hide = sim.add_channel("HIDE", true);
        let channels = if both {
            Channels::both(hide, sim.add_channel("EXCHANGE", true))
        } else {
            Channels::hide_only(&sim, hide)
        };
        let fleet = Fleet::new(&sim, channels, Files::sealed(PASSWORD));
        Self { sim, hide, fleet }
    }

    /// Posts in a channel as the account, and lets the fleet act.
    fn post(&mut self, channel: i64, to: &str, action: (&str, &str), data: &Value) {
        let text = format_data("AVATAR", &[to], action.0, action.1, data);
        self.sim.post(channel, self.sim.me(), &text, None);
        self.fleet.act(&self.sim);
    }

    /// Returns the texts in HIDE that the account did not post.
    fn orders(&self) -> Vec<String> {
        let posts = self.sim.posts(self.hide).into_iter();
        posts
            .filter(|post| !post.by_account)
            .map(|post| post.text)
            .collect()
    }
}

#[test]
fn version_goes_from_test_to_hide_and_back() {
    let mut scene = Scene::new(false);
    let asked = scene.fleet.test.type_version(&scene.sim);
    scene.fleet.act(&scene.sim);
    let data = json!({
        "admin_id": scene.fleet.test.member,
        "message_id": asked,
        "group_id": bot_api_id(scene.fleet.test.group),
    });
    let ask = format_data("HIDE", &["AVATAR"], "version", "ask", &data);
    assert_eq!(scene.orders(), [ask]);
    let data = json!({"admin_id": 1, "message_id": asked, "version": "9.9"});
    scene.post(scene.hide, "HIDE", ("version", "reply"), &data);
    let answer = scene.fleet.hide.answer_to(asked).expect("an answer");
    let in_test = scene.sim.posts(scene.fleet.test.group);
    let posted = in_test.last().expect("a post");
    assert_eq!((posted.id, &posted.text), (answer.message, &answer.text));
    assert_eq!(answer.text, "SCP-079-AVATAR 9.9");
    assert_eq!(scene.fleet.problems, Vec::<String>::new());
}

#[test]
fn backup_reads_through_hide_and_orders_exchange_back() {
    let mut scene = Scene::new(false);
    scene.post(scene.hide, "BACKUP", ("backup", "status"), &json!("online"));
    let awake = json!({"type": "awake", "backup": false});
    scene.post(scene.hide, "BACKUP", ("backup", "status"), &awake);
    assert_eq!(scene.fleet.backup.reports, ["online", "awake"]);
    assert_eq!(scene.fleet.hide.carried, 2);
    scene.fleet.backup.restore_exchange(&scene.sim);
    scene.fleet.act(&scene.sim);
    let order = format_data("BACKUP", &["EMERGENCY"], "backup", "hide", &false);
    assert_eq!(scene.orders(), [order]);
}

#[test]
fn an_order_in_exchange_is_copied_into_hide_once() {
    let mut scene = Scene::new(true);
    scene.fleet.manage.back_up_now(&scene.sim);
    scene.fleet.act(&scene.sim);
    scene.fleet.act(&scene.sim);
    let exchange = scene.fleet.exchange();
    let posted = scene.sim.posts(exchange).pop().expect("the order");
    assert_eq!(scene.orders(), [posted.text]);
    assert_eq!(scene.fleet.hide.copied, 1);
}

#[test]
fn a_file_that_does_not_open_is_a_problem_and_has_no_verdict() {
    let mut scene = Scene::new(false);
    scene.fleet.nospam.set_verdict(5, Verdict::Bad);
    let data = json!({"group_id": -100, "user_id": 5, "message_id": 1});
    let text = format_data("AVATAR", &["NOSPAM"], "update", "avatar", &data);
    let files = Files::sealed("another password");
    let sealed = files.seal_rules("nm_words", &[]);
    let me = scene.sim.me();
    scene
        .sim
        .post(scene.hide, me, &text, Some(("abcdefgh", &sealed)));
    let problem = scene
        .fleet
        .wait(&scene.sim, TIMEOUT, |fleet| fleet.problems.first().cloned())
        .expect("a problem");
    assert!(problem.contains("update / avatar"), "{problem}");
    assert_eq!(scene.orders(), Vec::<String>::new());
    assert_eq!(scene.fleet.nospam.photos, []);
}

#[test]
fn rules_of_both_formats_open_again() {
    for mut files in [Files::sealed(PASSWORD), Files::python(PASSWORD)] {
        let file = files.seal_rules("ad_words", &["one", "two"]);
        let rules = files.open(&file).expect("opened").numbers();
        let rules = rules.expect("rules");
        assert_eq!(
            rules.into_iter().collect::<Vec<_>>(),
            [("one".to_owned(), 0), ("two".to_owned(), 0)]
        );
    }
}
