//! A client for tests: a sender pool with the session file that the simulator writes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use grammers_mtsender::{
    ConnectionParams, InvocationError, NoRetries, SenderPool, SenderPoolFatHandle,
};
use grammers_session::storages::MemorySession;
use grammers_session::types::DcOption;
use grammers_session::updates::UpdatesLike;
use grammers_session::{Session, SessionData};
use grammers_tl_types::{RemoteCall, enums, functions, types};
use telegram_sim::{HOME_DC, OTHER_DC, Options, Simulator};
use tokio::sync::mpsc::Receiver;

/// The time after which a test gives up waiting.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    handle: SenderPoolFatHandle,
    pub(crate) updates: Receiver<UpdatesLike>,
}

/// Starts a simulator with small pictures.
pub(crate) fn simulator() -> Simulator {
    Simulator::start(Options {
        photo_size: (96, 96),
        ..Options::default()
    })
    .unwrap()
}

impl Client {
    /// Makes a client that is logged in and has asked for updates.
    pub(crate) async fn new(sim: &Simulator) -> Self {
        let client = Self::with_session(sim, true);
        client.call(&functions::updates::GetState {}).await.unwrap();
        client
    }

    /// Makes a client of another account that is logged in and has asked for updates.
    pub(crate) async fn of_account(sim: &Simulator, account: i64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("account.session");
        sim.write_session_of(account, &path).unwrap();
        let client = Self::open(&path);
        client.call(&functions::updates::GetState {}).await.unwrap();
        client
    }

    pub(crate) fn with_session(sim: &Simulator, authorized: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("account.session");
        if authorized {
            sim.write_session(&path).unwrap();
        } else {
            sim.write_session_unauthorized(&path).unwrap();
        }
        Self::open(&path)
    }

    /// Makes a client with a session file.
    pub(crate) fn open(path: &Path) -> Self {
        let session = Arc::new(read_session(path));
        let parameters = ConnectionParams {
            retry_policy: Box::new(NoRetries),
            ..ConnectionParams::default()
        };
        let SenderPool {
            runner,
            handle,
            updates,
        } = SenderPool::with_configuration(session, 1, parameters);
        tokio::spawn(runner.run());
        Self { handle, updates }
    }

    pub(crate) async fn call<R: RemoteCall>(
        &self,
        request: &R,
    ) -> Result<R::Return, InvocationError> {
        self.call_in(HOME_DC, request).await
    }

    pub(crate) async fn call_in<R: RemoteCall>(
        &self,
        dc: i32,
        request: &R,
    ) -> Result<R::Return, InvocationError> {
        tokio::time::timeout(TIMEOUT, self.handle.invoke_in_dc(dc, request))
            .await
            .expect("an answer")
    }

    /// Makes a call and returns the name and number of its error, for instance `FLOOD_WAIT 7`.
    pub(crate) async fn refusal<R: RemoteCall>(&self, request: &R) -> String {
        self.refusal_in(HOME_DC, request).await
    }

    pub(crate) async fn refusal_in<R: RemoteCall>(&self, dc: i32, request: &R) -> String {
        match self.call_in(dc, request).await {
            Ok(_) => "no error".to_owned(),
            Err(InvocationError::Rpc(error)) => match error.value {
                Some(value) => format!("{} {value}", error.name),
                None => error.name,
            },
            Err(error) => format!("not an RPC error: {error}"),
        }
    }

    /// Returns every chat in the list of dialogs.
    pub(crate) async fn chats(&self) -> Vec<types::Channel> {
        let request = dialogs(100);
        let (enums::messages::Dialogs::Dialogs(types::messages::Dialogs { chats, .. })
        | enums::messages::Dialogs::Slice(types::messages::DialogsSlice { chats, .. })) =
            self.call(&request).await.unwrap()
        else {
            panic!("no list of dialogs");
        };
        chats
            .into_iter()
            .map(|chat| match chat {
                enums::Chat::Channel(channel) => channel,
                other => panic!("not a channel: {other:?}"),
            })
            .collect()
    }

    /// Returns the input constructor of a chat.
    pub(crate) async fn channel(&self, id: i64) -> types::InputChannel {
        let chats = self.chats().await;
        let chat = chats.iter().find(|chat| chat.id == id).expect("a dialog");
        types::InputChannel {
            channel_id: id,
            access_hash: chat.access_hash.expect("a hash"),
        }
    }

    /// Returns the messages with these ids.
    pub(crate) async fn messages(
        &self,
        channel: &types::InputChannel,
        ids: &[i32],
    ) -> types::messages::ChannelMessages {
        match self.call(&messages_by_id(channel, ids)).await.unwrap() {
            enums::messages::Messages::ChannelMessages(found) => found,
            other => panic!("not the messages of a channel: {other:?}"),
        }
    }

    /// Waits for the next push, and returns its updates.
    pub(crate) async fn pushed(&mut self) -> Vec<enums::Update> {
        loop {
            match tokio::time::timeout(TIMEOUT, self.updates.recv())
                .await
                .expect("a push")
            {
                Some(UpdatesLike::Updates(enums::Updates::Updates(updates))) => {
                    return updates.updates;
                }
                Some(_) => {}
                None => panic!("the pool ended"),
            }
        }
    }

    /// Exports the authorization and imports it in the other data centre.
    pub(crate) async fn import(&self) {
        let exported = functions::auth::ExportAuthorization { dc_id: OTHER_DC };
        let enums::auth::ExportedAuthorization::Authorization(exported) =
            self.call(&exported).await.unwrap();
        let import = functions::auth::ImportAuthorization {
            id: exported.id,
            bytes: exported.bytes,
        };
        self.call_in(OTHER_DC, &import).await.unwrap();
    }
}

pub(crate) fn dialogs(limit: i32) -> functions::messages::GetDialogs {
    functions::messages::GetDialogs {
        exclude_pinned: false,
        folder_id: None,
        offset_date: 0,
        offset_id: 0,
        offset_peer: enums::InputPeer::Empty,
        limit,
        hash: 0,
    }
}

pub(crate) fn messages_by_id(
    channel: &types::InputChannel,
    ids: &[i32],
) -> functions::channels::GetMessages {
    functions::channels::GetMessages {
        channel: input(channel),
        id: ids
            .iter()
            .map(|id| enums::InputMessage::Id(types::InputMessageId { id: *id }))
            .collect(),
    }
}

pub(crate) fn difference(
    channel: &types::InputChannel,
    pts: i32,
    limit: i32,
) -> functions::updates::GetChannelDifference {
    functions::updates::GetChannelDifference {
        force: false,
        channel: input(channel),
        filter: enums::ChannelMessagesFilter::Empty,
        pts,
        limit,
    }
}

pub(crate) fn peer(channel: &types::InputChannel) -> enums::InputPeer {
    enums::InputPeer::Channel(types::InputPeerChannel {
        channel_id: channel.channel_id,
        access_hash: channel.access_hash,
    })
}

pub(crate) fn input(channel: &types::InputChannel) -> enums::InputChannel {
    enums::InputChannel::Channel(channel.clone())
}

/// Reads a session file in grammers' layout.
fn read_session(path: &Path) -> MemorySession {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut statement = database
        .prepare("SELECT dc_id, ipv4, ipv6, auth_key FROM dc_option")
        .unwrap();
    let options = statement
        .query_map([], |row| {
            Ok(DcOption {
                id: row.get(0)?,
                ipv4: row.get::<_, String>(1)?.parse().unwrap(),
                ipv6: row.get::<_, String>(2)?.parse().unwrap(),
                auth_key: Some(row.get::<_, [u8; 256]>(3)?),
            })
        })
        .unwrap();
    let data = SessionData {
        home_dc: database
            .query_one("SELECT dc_id FROM dc_home", [], |row| row.get(0))
            .unwrap(),
        dc_options: options
            .map(|option| option.unwrap())
            .map(|option| (option.id, option))
            .collect(),
        ..SessionData::default()
    };
    let session = MemorySession::from(data);
    assert_eq!(session.home_dc_id().unwrap(), HOME_DC);
    session
}
