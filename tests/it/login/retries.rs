//! Calls of a login that get no answer, and how it goes on.

use telegram_sim::{Fault, Match};

use super::log_in;
use crate::harness::{Scene, assert_in_order, read_file};

#[test]
fn a_connection_that_telegram_refuses_at_first_is_tried_again_when_its_pause_is_over() {
    for (code, line) in [
        (-404, "That may pass, so `login` tries for ten minutes"),
        (-429, "trying again in 5 s."),
    ] {
        let scene = Scene::new();
        let before = read_file(&scene.session());
        let connection = Match::method("help.getConfig").once();
        scene.sim.fault(connection, Fault::TransportError(code));
        let (exit, output) = log_in(&scene, &[]);
        assert_eq!(exit, Some(0), "{output}");
        assert_in_order(&output, &[line, "Already logged in, as"]);
        assert!(!output.contains("Phone number"), "{output}");
        assert!(
            read_file(&scene.session()) == before,
            "the session was changed"
        );
    }
}
