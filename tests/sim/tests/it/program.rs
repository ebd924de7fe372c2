//! The program `telegram-sim`, with a client that answers each join as AVATAR does.

use std::path::Path;
use std::process::Stdio;

use grammers_tl_types::{enums, functions, types};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::client::{Client, TIMEOUT, dialogs, peer};
use crate::posting::{document, save, small};

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_telegram-sim"))
            .current_dir(directory)
            .args(["--session", "account.session", "--photo-size", "64"])
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> Value {
        let line = tokio::time::timeout(TIMEOUT, self.lines.next_line())
            .await
            .unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }
}

/// Posts an avatar for each of `joins` pushed joins, and a second one for the numbers in `twice`.
async fn post_avatars(client: &mut Client, hide: i64, joins: usize, twice: &[usize]) {
    let hide = peer(&client.channel(hide).await);
    let mut random_id = 0;
    for number in 0..joins {
        let message = next_join(client).await;
        let (Some(enums::Peer::User(from)), enums::Peer::Channel(group)) =
            (&message.from_id, &message.peer_id)
        else {
            panic!("from a user in a channel");
        };
        let caption = json!({
            "from": "AVATAR", "to": ["NOSPAM"], "action": "update", "type": "avatar",
            "data": {
                "group_id": telegram_sim::bot_api_id(group.channel_id),
                "user_id": from.user_id,
                "message_id": message.id,
            },
        });
        for _ in 0..=usize::from(twice.contains(&number)) {
            random_id += 1;
            assert_eq!(save(client, random_id, 0, vec![1; 10]).await, "no error");
            let file = small(random_id, 1, "");
            let request = document(hide.clone(), file, &caption.to_string(), random_id);
            client.call(&request).await.unwrap();
        }
    }
}

/// Waits for the next service message. The updates also contain the replies to the client's own posts.
async fn next_join(client: &mut Client) -> types::MessageService {
    loop {
        for update in client.pushed().await {
            if let enums::Update::NewChannelMessage(update) = update
                && let enums::Message::Service(message) = update.message
            {
                return message;
            }
        }
    }
}

async fn raid(joins: usize, twice: &[usize]) -> (Value, bool) {
    let directory = tempfile::tempdir().unwrap();
    let count = joins.to_string();
    let arguments = [
        "--raid", &count, "--rate", "500", "--key", "key", "--photos", "photos", "--posts", "posts",
    ];
    let mut program = Program::start(directory.path(), &arguments);
    let stage = program.line().await;
    assert_eq!(
        std::fs::read(directory.path().join("key")).unwrap().len(),
        256
    );
    let mut client = Client::open(&directory.path().join("account.session"));
    let hide = -1_000_000_000_000 - stage["hide_channel_id"].as_i64().unwrap();
    client.call(&functions::updates::GetState {}).await.unwrap();
    post_avatars(&mut client, hide, joins, twice).await;
    let summary = program.line().await;
    let status = program.child.wait().await.unwrap();
    let files_in = |name: &str| {
        std::fs::read_dir(directory.path().join(name))
            .unwrap()
            .count()
    };
    assert_eq!(files_in("photos"), joins);
    assert_eq!(files_in("posts"), 2 * (joins + twice.len()));
    (summary, status.success())
}

#[tokio::test]
async fn a_raid_with_all_photos_delivered_succeeds() {
    let (summary, ok) = raid(9, &[]).await;
    assert!(ok, "{summary}");
    for (key, wanted) in [
        ("joins", 9),
        ("delivered", 9),
        ("duplicates", 0),
        ("lost", 0),
        ("wrong", 0),
    ] {
        assert_eq!(summary[key], wanted, "{key} of {summary}");
    }
    assert_eq!(summary["calls"]["messages.sendMedia"], 9);
    assert_eq!(summary["failures"], json!([]));
}

#[tokio::test]
async fn a_raid_with_a_duplicate_fails() {
    let (summary, ok) = raid(4, &[2]).await;
    assert!(!ok, "{summary}");
    assert_eq!(
        (&summary["delivered"], &summary["duplicates"]),
        (&json!(4), &json!(1))
    );
}

#[tokio::test]
async fn the_limit_on_lists_of_dialogs_is_an_option() {
    for (calls, refused) in [("1", true), ("0", false)] {
        let directory = tempfile::tempdir().unwrap();
        let mut program = Program::start(directory.path(), &["--dialog-calls", calls]);
        program.line().await;
        let client = Client::open(&directory.path().join("account.session"));
        let mut refusals = Vec::new();
        for _ in 0..7 {
            refusals.push(client.refusal(&dialogs(100)).await);
        }
        let are_refused = refusals[1..]
            .iter()
            .all(|refusal| refusal.starts_with("FLOOD_WAIT "));
        assert_eq!(refusals[0], "no error");
        assert_eq!(are_refused, refused, "{refusals:?}");
        program.child.kill().await.unwrap();
    }
}
