//! Injected faults.

use std::time::Duration;

use grammers_tl_types::functions;
use telegram_sim::{Fault, Match, Outcome};

use crate::client::{Client, TIMEOUT, dialogs, simulator};

#[tokio::test]
async fn faults_apply_to_matching_calls_until_they_are_used_up() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    sim.fault(
        Match::method("messages.getDialogs").after(1).once(),
        Fault::FloodWait(7),
    );
    sim.fault(
        Match::method("messages.getDialogs").times(2),
        Fault::error(500, "INTERNAL"),
    );
    let request = dialogs(100);
    for name in ["INTERNAL", "FLOOD_WAIT 7", "INTERNAL", "no error"] {
        assert_eq!(client.refusal(&request).await, name);
    }
    let state = functions::updates::GetState {};
    assert_eq!(client.refusal(&state).await, "no error");
}

#[tokio::test]
async fn lose_reply_does_the_call_and_cut_before_does_not() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let nearest = functions::help::GetNearestDc {};
    sim.fault(Match::method("help.getNearestDc").once(), Fault::LoseReply);
    sim.fault(Match::method("help.getNearestDc").once(), Fault::CutBefore);
    assert!(client.refusal(&nearest).await.contains("not an RPC error"));
    assert!(client.refusal(&nearest).await.contains("not an RPC error"));
    assert_eq!(client.refusal(&nearest).await, "no error");
    let outcomes: Vec<Outcome> = sim
        .calls_of("help.getNearestDc")
        .into_iter()
        .map(|call| call.outcome)
        .collect();
    assert_eq!(outcomes[..2], [Outcome::ReplyLost, Outcome::Cut]);
}

#[tokio::test]
async fn a_held_reply_does_not_delay_other_calls() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    sim.fault(Match::method("messages.getDialogs").once(), Fault::Hold);
    sim.fault(
        Match::method("help.getNearestDc").once(),
        Fault::Delay(Duration::from_millis(1)),
    );
    let request = dialogs(100);
    let (held, ()) = tokio::join!(client.call(&request), async {
        let call = sim
            .wait_for_call_async("messages.getDialogs", 1, TIMEOUT)
            .await
            .unwrap();
        assert_eq!(call.outcome, Outcome::Pending);
        client
            .call(&functions::help::GetNearestDc {})
            .await
            .unwrap();
        sim.release();
    });
    held.unwrap();
    assert!(sim.calls_of("messages.getDialogs")[0].succeeded());
}

#[tokio::test]
async fn connections_are_cut_and_refused_until_allowed_again() {
    let sim = simulator();
    let mut client = Client::new(&sim).await;
    sim.wait_for_connection_async(TIMEOUT).await.unwrap();
    sim.refuse_connections(true);
    sim.cut_all();
    assert!(!sim.connected());
    while !matches!(
        client.updates.recv().await,
        Some(grammers_session::updates::UpdatesLike::ConnectionClosed)
    ) {}
    let state = functions::updates::GetState {};
    assert!(client.refusal(&state).await.contains("not an RPC error"));
    sim.refuse_connections(false);
    let mut answer = String::new();
    while answer != "no error" {
        answer = client.refusal(&state).await;
    }
    assert!(sim.connected());
}

#[tokio::test]
async fn a_login_can_be_ended_and_a_key_forgotten() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let state = functions::updates::GetState {};
    sim.revoke_session();
    assert_eq!(client.refusal(&state).await, "SESSION_REVOKED");
    sim.end_login(406, "AUTH_KEY_DUPLICATED");
    assert_eq!(client.refusal(&state).await, "AUTH_KEY_DUPLICATED");
    sim.restore_login();
    assert_eq!(client.refusal(&state).await, "no error");
    sim.forget_key();
    let refusal = client.refusal(&state).await;
    assert!(refusal.contains("404"), "{refusal}");
    assert_eq!(sim.read(telegram_sim::World::transport_errors), 1);
}

#[tokio::test]
async fn an_unknown_call_is_refused_and_recorded() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let request = functions::messages::ReadHistory {
        peer: grammers_tl_types::enums::InputPeer::PeerSelf,
        max_id: 0,
    };
    assert_eq!(client.refusal(&request).await, "INPUT_METHOD_INVALID");
    let failures = sim.failures();
    assert!(failures[0].contains("messages.readHistory"), "{failures:?}");
    assert_eq!(sim.devices().len(), 1);
}

#[test]
#[should_panic(expected = "unknown method: help.getConfigs")]
fn a_fault_for_an_unknown_method_panics() {
    Match::method("help.getConfigs");
}

#[test]
#[should_panic(expected = "unknown method: help.getConfigs")]
fn the_calls_of_an_unknown_method_cannot_be_read() {
    simulator().calls_of("help.getConfigs");
}

#[tokio::test]
async fn a_transport_error_ends_the_connection_and_the_call_is_not_done() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let nearest = functions::help::GetNearestDc {};
    sim.fault(
        Match::method("help.getNearestDc").once(),
        Fault::TransportError(-429),
    );
    let error = client.refusal(&nearest).await;
    assert!(error.contains("negative length -429"), "{error}");
    assert_eq!(client.refusal(&nearest).await, "no error");
}

#[tokio::test]
async fn calls_are_refused_after_the_connection_was_forgotten_until_the_next_one() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let nearest = functions::help::GetNearestDc {};
    sim.forget_init_connection();
    for _ in 0..2 {
        assert_eq!(client.refusal(&nearest).await, "CONNECTION_NOT_INITED");
    }
    sim.cut_all();
    let _ = client.refusal(&nearest).await;
    assert_eq!(client.refusal(&nearest).await, "no error");
    assert_eq!(sim.failures(), Vec::<String>::new());
}
