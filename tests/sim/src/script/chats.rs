//! Groups, channels, members and messages.

use grammers_tl_types::{enums, types};

use super::Simulator;
use crate::blank;
use crate::clock;
use crate::world::World;
use crate::world::chat::{Chat, Content, Document, EventKind};
use crate::world::member::Member;

/// The first id of a chat.
const FIRST_CHAT: i64 = 1_600_000_000;

impl Simulator {
    /// Adds a supergroup whose members are the accounts and the owner; returns its bare id.
    pub fn add_group(&self, title: &str) -> i64 {
        self.add_chat(title, false, true)
    }

    /// Adds a broadcast channel whose members are the accounts and the owner; returns its bare id. With `can_post` the
    /// accounts are administrators.
    pub fn add_channel(&self, title: &str, can_post: bool) -> i64 {
        self.add_chat(title, true, can_post)
    }

    fn add_chat(&self, title: &str, broadcast: bool, can_post: bool) -> i64 {
        let owner = self.owner();
        self.shared.change(|world| {
            let id = create(world, owner, title, broadcast);
            if let Some(chat) = world.chats.get_mut(&id) {
                chat.can_post = can_post;
            }
            for account in world.accounts.clone() {
                set_admin(world, id, account, broadcast && can_post);
            }
            world.push_channel_update(id);
            id
        })
    }

    /// Adds another account, which is in the same chats as the first one and has the same rights there; returns its user
    /// id. [`write_session_of`](Self::write_session_of) logs it in.
    pub fn add_account(&self, name: &str) -> i64 {
        let account = self.add_user(crate::UserSpec::new(name));
        let owner = self.owner();
        self.shared.change(|world| {
            let me = world.me;
            world.accounts.insert(account);
            let chats = world.chats.iter();
            let entered: Vec<(i64, bool)> = chats
                .filter_map(|(id, chat)| Some((*id, chat.members.get(&me)?.admin)))
                .collect();
            for (chat, is_admin) in entered {
                world.add_member(chat, account, owner, false);
                set_admin(world, chat, account, is_admin);
            }
        });
        account
    }

    /// Returns the user who owns every chat, administers it and made its links.
    pub fn owner(&self) -> i64 {
        const OWNER: i64 = 5_079_000_002;
        let exists = self.shared.read(|world| world.users.contains_key(&OWNER));
        if exists {
            OWNER
        } else {
            self.add_user(crate::UserSpec::new("Owner").id(OWNER))
        }
    }

    /// Sets when a member joined, in seconds since 1970. The member's place in a list by activity remains.
    pub fn set_join_date(&self, group: i64, user: i64, date: i32) {
        self.shared
            .change(|world| match member(world, group, user) {
                Some(member) => member.date = date,
                None => world.record_failure(format!("{user} is not a member of chat {group}")),
            });
    }

    /// Lets a member leave the group (`ChatDeleteUser` from the member); returns the message's id.
    pub fn leave(&self, group: i64, user: i64) -> i32 {
        self.shared.change(|world| {
            if let Some(chat) = world.chats.get_mut(&group) {
                chat.members.remove(&user);
            }
            let action = enums::MessageAction::ChatDeleteUser(types::MessageActionChatDeleteUser {
                user_id: user,
            });
            announce(world, group, user, action)
        })
    }

    /// Removes the account from a chat, and pushes the change.
    pub fn kick_me(&self, chat: i64) {
        self.shared.change(|world| {
            let me = world.me;
            let Some(found) = world.chats.get_mut(&chat) else {
                return world.record_failure(format!("unknown chat: {chat}"));
            };
            found.members.remove(&me);
            world.push_channel_update(chat);
        });
    }

    /// Makes the account a member of a chat again, and pushes the change.
    pub fn add_me(&self, chat: i64) {
        let owner = self.owner();
        self.shared.change(|world| {
            let me = world.me;
            world.add_member(chat, me, owner, false);
            world.push_channel_update(chat);
        });
    }

    /// Turns a group into a gigagroup, in which only administrators write, and pushes the change.
    pub fn make_gigagroup(&self, group: i64) {
        self.with_chat(group, |chat| chat.gigagroup = true);
        self.shared.change(|world| world.push_channel_update(group));
    }

    /// Adds the chat with the direct messages of a channel; returns its bare id.
    pub fn add_monoforum(&self, title: &str) -> i64 {
        let id = self.add_chat(title, false, true);
        self.with_chat(id, |chat| chat.monoforum = true);
        id
    }

    /// Makes all messages of a chat, and the memberships in it, older by this many seconds.
    pub fn age_chat(&self, chat: i64, seconds: i32) {
        self.with_chat(chat, |chat| {
            for message in chat.messages.values_mut() {
                message.date -= seconds;
            }
            for member in chat.members.values_mut() {
                member.date -= seconds;
                member.promoted -= seconds;
                member.activity.date -= seconds;
            }
        });
    }

    /// Makes a member an administrator, or an ordinary member. Like Telegram, the simulator does not push this to users.
    pub fn set_admin(&self, group: i64, user: i64, admin: bool) {
        self.shared.change(|world| {
            if !set_admin(world, group, user, admin) {
                world.record_failure(format!("{user} is not a member of chat {group}"));
            }
        });
    }

    /// Sets whether the account may write in a chat. In a channel it is then an administrator.
    pub fn set_can_post(&self, chat: i64, can_post: bool) {
        self.shared.change(|world| {
            let me = world.me;
            let Some(found) = world.chats.get_mut(&chat) else {
                return world.record_failure(format!("unknown chat: {chat}"));
            };
            found.can_post = can_post;
            if found.broadcast {
                set_admin(world, chat, me, can_post);
            }
        });
    }

    /// Moves a chat to the archive (folder 1), or out of it.
    pub fn archive(&self, chat: i64, archived: bool) {
        self.with_chat(chat, |chat| chat.archived = archived);
    }

    /// Posts a text of a user; returns the message's id.
    pub fn send_message(&self, group: i64, user: i64, text: &str) -> i32 {
        self.post(group, user, text, None)
    }

    /// Forwards a text of the user `author` into a chat; returns the message's id.
    pub fn forward(&self, chat: i64, from: i64, author: i64, text: &str) -> i32 {
        self.shared.change(|world| {
            if !world.chats.contains_key(&chat) {
                world.record_failure(format!("unknown chat: {chat}"));
                return 0;
            }
            let content = Content::Text {
                text: text.to_owned(),
                entities: Vec::new(),
                document: None,
                random_id: 0,
                forwarded_from: Some(author),
            };
            world.add_message(chat, from, content, false, None)
        })
    }

    /// Pushes a text that a user wrote to the account in private.
    pub fn send_private_message(&self, user: i64, text: &str) {
        self.shared.change(|world| {
            let peer = enums::Peer::User(types::PeerUser { user_id: user });
            let message = enums::Message::Message(types::Message {
                id: 1,
                from_id: Some(peer.clone()),
                peer_id: peer,
                date: clock::unix(),
                message: text.to_owned(),
                ..blank::message()
            });
            let update = enums::Update::NewMessage(types::UpdateNewMessage {
                message,
                pts: 1,
                pts_count: 1,
            });
            let updates = world.updates(vec![update], vec![user], &[]);
            world.push(&updates, None);
        });
    }

    /// Posts a text, or a file (name and bytes) with the text as its caption; returns the message's id.
    pub fn post(&self, chat: i64, from: i64, text: &str, file: Option<(&str, &[u8])>) -> i32 {
        self.shared.change(|world| {
            if !world.chats.contains_key(&chat) {
                world.record_failure(format!("unknown chat: {chat}"));
                return 0;
            }
            let document = file.map(|(name, bytes)| {
                let id = world.random_id();
                let document = Document {
                    id,
                    access_hash: world.random(),
                    file_reference: world.file_reference(),
                    date: clock::unix(),
                    name: name.to_owned(),
                    mime: "application/octet-stream".to_owned(),
                    attributes: vec![enums::DocumentAttribute::Filename(
                        types::DocumentAttributeFilename {
                            file_name: name.to_owned(),
                        },
                    )],
                    force_file: true,
                    bytes: bytes.to_vec(),
                };
                world.documents.insert(id, document);
                id
            });
            let content = Content::Text {
                text: text.to_owned(),
                entities: Vec::new(),
                document,
                random_id: 0,
                forwarded_from: None,
            };
            world.add_message(chat, from, content, false, None)
        })
    }

    /// Replaces the text of a message, and pushes the edit.
    pub fn edit_message(&self, chat: i64, message: i32, text: &str) {
        self.shared.change(|world| {
            if !world.edit(chat, message, text) {
                world.record_failure(format!("message {message} in chat {chat} is not a text"));
            }
        });
    }

    /// Deletes messages with one update; returns how many of them existed.
    pub fn delete_messages(&self, chat: i64, messages: &[i32]) -> usize {
        self.shared.change(|world| world.delete(chat, messages))
    }

    /// Makes every reference to a document expire. Messages that are fetched from then on show fresh ones.
    pub fn expire_file_references(&self) {
        self.shared.change(|world| {
            let documents: Vec<i64> = world.documents.keys().copied().collect();
            for document in documents {
                world.expire_file_reference(document);
            }
        });
    }

    /// Raises a channel's `pts` by `count` without an update.
    pub fn skip_pts(&self, chat: i64, count: usize) {
        self.shared.change(|world| {
            if world.chats.contains_key(&chat) {
                world.record_event(chat, EventKind::Hidden, count, None);
            } else {
                world.record_failure(format!("unknown chat: {chat}"));
            }
        });
    }

    pub(super) fn with_chat(&self, chat: i64, change: impl FnOnce(&mut Chat)) {
        self.shared
            .change(|world| match world.chats.get_mut(&chat) {
                Some(chat) => change(chat),
                None => world.record_failure(format!("unknown chat: {chat}")),
            });
    }
}

/// Adds a chat whose members are the account and the owner; returns its bare id.
pub(super) fn create(world: &mut World, owner: i64, title: &str, broadcast: bool) -> i64 {
    let id = FIRST_CHAT + world.serial();
    let access_hash = world.random();
    let chat = Chat::new(id, access_hash, title.to_owned(), broadcast);
    world.chats.insert(id, chat);
    world.add_member(id, owner, owner, false);
    for account in world.accounts.clone() {
        world.add_member(id, account, owner, false);
    }
    set_admin(world, id, owner, true);
    id
}

/// Adds the service message of a join or leave, unless the group hides joins; returns the message's id or 0.
pub(super) fn announce(
    world: &mut World,
    group: i64,
    from: i64,
    action: enums::MessageAction,
) -> i32 {
    let now = world.elapsed();
    match world.chats.get(&group) {
        Some(chat) if chat.hides_joins || now < chat.hides_joins_until => 0,
        Some(_) => world.add_service(group, from, action),
        None => {
            world.record_failure(format!("unknown chat: {group}"));
            0
        }
    }
}

pub(super) fn member(world: &mut World, chat: i64, user: i64) -> Option<&mut Member> {
    world.chats.get_mut(&chat)?.members.get_mut(&user)
}

fn set_admin(world: &mut World, chat: i64, user: i64, admin: bool) -> bool {
    let Some(member) = member(world, chat, user) else {
        return false;
    };
    if admin && !member.admin {
        member.promoted = clock::unix();
    }
    member.admin = admin;
    true
}
