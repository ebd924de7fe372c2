//! Groups, channels, members and messages.

use grammers_tl_types::{enums, types};

use super::Simulator;
use crate::clock;
use crate::world::World;
use crate::world::chat::{Chat, Content, Document, EventKind, Member};

/// The first id of a chat.
const FIRST_CHAT: i64 = 1_600_000_000;

/// How somebody became a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Another member added them: `ChatAddUser`, from that member.
    AddedBy(i64),
    /// They joined by themselves: `ChatAddUser`, from and with the user.
    BySelf,
    /// By a link of the group's owner: `ChatJoinedByLink`.
    ByLink,
    /// By a request that was approved: `ChatJoinedByRequest`.
    ByRequest,
    /// Through a community: `ChatJoinedViaCommunity`.
    ViaCommunity,
    /// Without a service message.
    Silent,
}

impl Simulator {
    /// Adds a supergroup with the account and an owner in it, and returns its bare id.
    pub fn add_group(&self, title: &str) -> i64 {
        self.add_chat(title, false, true)
    }

    /// Adds a broadcast channel with the account in it, as an administrator if it `can_post`; returns its bare id.
    pub fn add_channel(&self, title: &str, can_post: bool) -> i64 {
        self.add_chat(title, true, can_post)
    }

    fn add_chat(&self, title: &str, broadcast: bool, can_post: bool) -> i64 {
        let owner = self.owner();
        self.shared.change(|world| {
            let id = FIRST_CHAT + world.serial();
            let access_hash = world.random();
            let mut chat = Chat::new(id, access_hash, title.to_owned(), broadcast);
            chat.can_post = can_post;
            let me = world.me;
            world.chats.insert(id, chat);
            world.admit(id, owner, owner, false);
            world.admit(id, me, owner, false);
            set_admin(world, id, owner, true);
            set_admin(world, id, me, broadcast && can_post);
            world.push_channel(id);
            id
        })
    }

    /// Returns the user who owns every group and made its links; an administrator everywhere.
    pub fn owner(&self) -> i64 {
        const OWNER: i64 = 5_079_000_002;
        let there = self.shared.read(|world| world.users.contains_key(&OWNER));
        if there {
            OWNER
        } else {
            self.add_user(crate::UserSpec::new("Owner").id(OWNER))
        }
    }

    /// Lets a user join, and returns the id of the service message; 0 where there is none, because it was `Silent`
    /// or the group hides joins.
    pub fn join(&self, group: i64, user: i64, how: How) -> i32 {
        let owner = self.owner();
        self.shared.change(|world| {
            let inviter = match how {
                How::AddedBy(other) => other,
                How::ByLink => owner,
                How::BySelf | How::ByRequest | How::ViaCommunity | How::Silent => user,
            };
            world.admit(group, user, inviter, how == How::ByRequest);
            let (from, action) = match how {
                How::AddedBy(other) => (other, added(vec![user])),
                How::BySelf => (user, added(vec![user])),
                How::ByLink => (
                    user,
                    enums::MessageAction::ChatJoinedByLink(types::MessageActionChatJoinedByLink {
                        inviter_id: owner,
                    }),
                ),
                How::ByRequest => (user, enums::MessageAction::ChatJoinedByRequest),
                How::ViaCommunity => (
                    user,
                    enums::MessageAction::ChatJoinedViaCommunity(
                        types::MessageActionChatJoinedViaCommunity { community_id: 1 },
                    ),
                ),
                How::Silent => return 0,
            };
            announce(world, group, from, action)
        })
    }

    /// Lets a member add several users with one `ChatAddUser`; returns the message's id, 0 where joins are hidden.
    pub fn join_many(&self, group: i64, users: &[i64], by: i64) -> i32 {
        self.shared.change(|world| {
            for user in users {
                world.admit(group, *user, by, false);
            }
            announce(world, group, by, added(users.to_vec()))
        })
    }

    /// Sets when a member joined, in seconds since 1970.
    pub fn set_join_date(&self, group: i64, user: i64, date: i32) {
        self.shared.change(|world| {
            if let Some(member) = member(world, group, user) {
                member.date = date;
            }
        });
    }

    /// Lets a member leave: `ChatDeleteUser`, by themselves. Returns the message's id.
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

    /// Removes the account from a chat, and tells it so.
    pub fn kick_me(&self, chat: i64) {
        self.shared.change(|world| {
            let me = world.me;
            if let Some(chat) = world.chats.get_mut(&chat) {
                chat.members.remove(&me);
            }
            world.push_channel(chat);
        });
    }

    /// Puts the account into a chat again, and tells it so.
    pub fn add_me(&self, chat: i64) {
        let owner = self.owner();
        self.shared.change(|world| {
            let me = world.me;
            world.admit(chat, me, owner, false);
            world.push_channel(chat);
        });
    }

    /// Makes a member an administrator, or no more. Nobody is told, as users are not.
    pub fn set_admin(&self, group: i64, user: i64, admin: bool) {
        self.shared.change(|world| {
            if !set_admin(world, group, user, admin) {
                world.fail(format!("the script named no member: {user} of {group}"));
            }
        });
    }

    /// Gives or takes the account's right to write in a chat (in a channel, as an administrator).
    pub fn set_can_post(&self, chat: i64, can_post: bool) {
        self.shared.change(|world| {
            let me = world.me;
            let Some(found) = world.chats.get_mut(&chat) else {
                return world.fail(format!("the script named a chat that is not there: {chat}"));
            };
            found.can_post = can_post;
            if found.broadcast {
                set_admin(world, chat, me, can_post);
            }
        });
    }

    /// Sets whether joins of a group leave no service message from now on.
    pub fn hide_joins(&self, group: i64, hidden: bool) {
        self.with_chat(group, |chat| chat.hides_joins = hidden);
    }

    /// Sets whether lists of members show only administrators to the account.
    pub fn hide_members(&self, group: i64, hidden: bool) {
        self.with_chat(group, |chat| chat.hides_members = hidden);
    }

    /// Moves a chat to the archive (folder 1), or out of it.
    pub fn archive(&self, chat: i64, archived: bool) {
        self.with_chat(chat, |chat| chat.archived = archived);
    }

    /// Lets a user write in a group; returns the message's id.
    pub fn message(&self, group: i64, user: i64, text: &str) -> i32 {
        self.post(group, user, text, None)
    }

    /// Posts a text, or a file (name and bytes) with the text as its caption; returns the message's id.
    pub fn post(&self, chat: i64, from: i64, text: &str, file: Option<(&str, &[u8])>) -> i32 {
        self.shared.change(|world| {
            if !world.chats.contains_key(&chat) {
                world.fail(format!("the script named a chat that is not there: {chat}"));
                return 0;
            }
            let document = file.map(|(name, bytes)| {
                let id = world.random_id();
                let document = Document {
                    id,
                    access_hash: world.random(),
                    file_reference: world.random().to_le_bytes().to_vec(),
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
            };
            world.add_message(chat, from, content, false, None)
        })
    }

    /// Replaces the text of a message.
    pub fn edit_message(&self, chat: i64, message: i32, text: &str) {
        self.shared.change(|world| {
            if !world.edit(chat, message, text) {
                world.fail(format!(
                    "the script named no text message: {message} in {chat}"
                ));
            }
        });
    }

    /// Deletes messages with one update; returns how many there were.
    pub fn delete_messages(&self, chat: i64, messages: &[i32]) -> usize {
        self.shared.change(|world| world.delete(chat, messages))
    }

    /// Moves a channel's `pts` by `count` for something that clients are never told about.
    pub fn skip_pts(&self, chat: i64, count: usize) {
        self.shared.change(|world| {
            if world.chats.contains_key(&chat) && count > 0 {
                world.happen(chat, EventKind::Unseen, count, None);
            }
        });
    }

    fn with_chat(&self, chat: i64, change: impl FnOnce(&mut Chat)) {
        self.shared
            .change(|world| match world.chats.get_mut(&chat) {
                Some(chat) => change(chat),
                None => world.fail(format!("the script named a chat that is not there: {chat}")),
            });
    }
}

fn added(users: Vec<i64>) -> enums::MessageAction {
    enums::MessageAction::ChatAddUser(types::MessageActionChatAddUser { users })
}

/// Adds the service message, unless the group hides it.
fn announce(world: &mut World, group: i64, from: i64, action: enums::MessageAction) -> i32 {
    match world.chats.get(&group) {
        Some(chat) if chat.hides_joins => 0,
        Some(_) => world.add_service(group, from, action),
        None => {
            world.fail(format!(
                "the script named a chat that is not there: {group}"
            ));
            0
        }
    }
}

fn member(world: &mut World, chat: i64, user: i64) -> Option<&mut Member> {
    world.chats.get_mut(&chat)?.members.get_mut(&user)
}

fn set_admin(world: &mut World, chat: i64, user: i64, admin: bool) -> bool {
    let Some(member) = member(world, chat, user) else {
        return false;
    };
    member.admin = admin;
    true
}
