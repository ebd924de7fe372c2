//! Packets under unknown keys, invalid frames, and connections without `initConnection`.

use std::net::SocketAddr;

use grammers_mtproto::transport::Full;
use grammers_mtsender::{InvocationError, ServerAddr, connect_with_auth};
use grammers_tl_types::{enums, functions, types};
use telegram_sim::{HOME_DC, OTHER_DC, Simulator, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{TIMEOUT, simulator};

/// Sends bytes on a new connection, and returns all bytes that come back until its end.
async fn exchange(sim: &Simulator, frame: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(sim.address(HOME_DC)).await.unwrap();
    stream.write_all(frame).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(TIMEOUT, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer
}

fn frame(sequence: i32, payload: &[u8]) -> Vec<u8> {
    let length = i32::try_from(payload.len() + 12).unwrap();
    let mut frame = [&length.to_le_bytes(), &sequence.to_le_bytes(), payload].concat();
    frame.extend(crc32fast::hash(&frame).to_le_bytes());
    frame
}

fn initialized<X>(query: X) -> functions::InvokeWithLayer<functions::InitConnection<X>> {
    functions::InvokeWithLayer {
        layer: grammers_tl_types::LAYER,
        query: functions::InitConnection {
            api_id: 4,
            device_model: "PC".to_owned(),
            system_version: "1".to_owned(),
            app_version: "2".to_owned(),
            system_lang_code: "en".to_owned(),
            lang_pack: String::new(),
            lang_code: "de".to_owned(),
            proxy: Some(enums::InputClientProxy::Proxy(types::InputClientProxy {
                address: "127.0.0.1".to_owned(),
                port: 1080,
            })),
            params: Some(enums::Jsonvalue::JsonNull),
            query,
        },
    }
}

#[tokio::test]
async fn a_packet_without_a_known_key_is_answered_with_a_transport_error() {
    let sim = simulator();
    let plain_text = frame(0, &[0; 40]);
    assert_eq!(
        exchange(&sim, &plain_text).await,
        (-404i32).to_le_bytes().repeat(3)
    );
    let unknown = frame(0, &[7; 88]);
    assert_eq!(
        exchange(&sim, &unknown).await,
        (-404i32).to_le_bytes().repeat(3)
    );
    // The key of one data centre is not known in the other.
    let foreign = ServerAddr::Tcp {
        address: SocketAddr::from(sim.address(OTHER_DC)),
    };
    let mut sender = connect_with_auth(Full::new(), foreign, sim.key())
        .await
        .unwrap();
    let error = sender
        .invoke(&functions::help::GetNearestDc {})
        .await
        .unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    assert_eq!(sim.read(World::transport_errors), 3);
    assert_eq!(sim.failures(), Vec::<String>::new());
}

#[tokio::test]
async fn an_invalid_frame_is_recorded_and_ends_the_connection() {
    for (bytes, failure) in [
        (frame(1, &[0; 40]), "Sequence { expected: 0, got: 1 }"),
        ([&frame(0, &[0; 40])[..51], &[0xff]].concat(), "Checksum"),
        (vec![8, 0, 0, 0], "Length(8)"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "Length"),
    ] {
        let sim = simulator();
        assert_eq!(exchange(&sim, &bytes).await, Vec::<u8>::new());
        assert!(sim.failures()[0].contains(failure), "{:?}", sim.failures());
    }
}

#[tokio::test]
async fn a_tampered_packet_is_recorded_and_ends_the_connection() {
    let sim = simulator();
    let id = {
        use sha1::Digest;
        sha1::Sha1::digest(sim.key())
    };
    let packet = [&id[12..], &[1; 16 + 64]].concat();
    assert_eq!(exchange(&sim, &frame(0, &packet)).await, Vec::<u8>::new());
    assert!(
        sim.failures()[0].contains("msg_key"),
        "{:?}",
        sim.failures()
    );
}

#[tokio::test]
async fn calls_before_init_connection_are_refused() {
    let sim = simulator();
    let address = ServerAddr::Tcp {
        address: SocketAddr::from(sim.address(HOME_DC)),
    };
    let mut sender = connect_with_auth(Full::new(), address, sim.key())
        .await
        .unwrap();
    let Err(InvocationError::Rpc(error)) = sender.invoke(&functions::help::GetNearestDc {}).await
    else {
        panic!("an error");
    };
    assert_eq!(error.name, "CONNECTION_NOT_INITED");
    assert_eq!(sim.failures().len(), 1);

    let query = functions::InvokeWithoutUpdates {
        query: functions::updates::GetState {},
    };
    sender.invoke(&initialized(query)).await.unwrap();
    assert!(!sim.connected(), "the client asked for no updates");
    let device = &sim.devices()[0];
    assert_eq!(
        (device.layer, device.api_id, device.lang_code.as_str()),
        (grammers_tl_types::LAYER, 4, "de")
    );
    sender
        .invoke(&functions::updates::GetState {})
        .await
        .unwrap();
    assert!(sim.connected());
    let methods: Vec<&str> = sim.calls().iter().map(|call| call.method).collect();
    assert_eq!(
        methods,
        ["help.getNearestDc", "updates.getState", "updates.getState"]
    );
}
