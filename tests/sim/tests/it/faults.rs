//! Trouble on demand.

use std::time::Duration;

use grammers_tl_types::functions;
use telegram_sim::{Fault, Match, Outcome};

use crate::client::{Client, SOON, dialogs, simulator};

#[tokio::test]
async fn faults_befall_the_calls_they_name_and_are_used_up() {
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
async fn a_lost_reply_is_work_done_and_a_cut_before_is_not() {
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
async fn a_late_reply_holds_up_nobody_else() {
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
            .wait_for_call_async("messages.getDialogs", 1, SOON)
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
async fn connections_are_cut_and_refused_until_they_are_not() {
    let sim = simulator();
    let mut client = Client::new(&sim).await;
    sim.wait_connected_async(SOON).await.unwrap();
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
async fn a_login_ends_from_outside_and_a_key_is_forgotten() {
    let sim = simulator();
    let client = Client::new(&sim).await;
    let state = functions::updates::GetState {};
    sim.revoke();
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
async fn an_unknown_call_is_a_failure() {
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
