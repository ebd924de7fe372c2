//! Groups and broadcast channels: members, messages, and the numbered events of which differences consist.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use grammers_tl_types::{enums, types};

use super::World;
use super::member::Member;
use super::unknown_constructors::Unreadable;
use crate::blank;
use crate::clock;
use crate::picture::mix;
use crate::record::{Post, PostedFile, RpcError};

pub(crate) struct Chat {
    pub(crate) id: i64,
    pub(crate) access_hash: i64,
    pub(crate) title: String,
    pub(crate) broadcast: bool,
    pub(crate) members: BTreeMap<i64, Member>,
    /// True if the account may write in the chat; in a broadcast channel it is then an administrator.
    pub(crate) can_post: bool,
    /// True if joins have no service message.
    pub(crate) hides_joins: bool,
    /// The time on the scale of [`World::elapsed`] before which joins have no service message.
    pub(crate) hides_joins_until: Duration,
    /// The delays after which a bot deletes the service messages of joins.
    pub(crate) captcha_delay: Option<RangeInclusive<Duration>>,
    /// True if lists of members show only administrators and bots to other members.
    pub(crate) hides_members: bool,
    /// False if the list of members is closed for a reason other than `hides_members`.
    pub(crate) can_view_participants: bool,
    /// True if a closed list of members also keeps the dates of joins secret.
    pub(crate) refuses_join_dates: bool,
    /// The basic group from which the supergroup was migrated.
    pub(crate) migrated_from: Option<i64>,
    pub(crate) archived: bool,
    /// True if lists of dialogs leave out the newest message.
    pub(crate) hides_top_message: bool,
    pub(crate) messages: BTreeMap<i32, Message>,
    pub(crate) last_id: i32,
    pub(crate) pts: i32,
    pub(crate) events: Vec<Event>,
    /// The number of next differences that are too long whatever the gap.
    pub(crate) too_long: usize,
    /// The error with which every difference is answered.
    pub(crate) difference_error: Option<RpcError>,
    /// The objects that have a constructor that no client knows.
    pub(crate) unreadable: BTreeSet<Unreadable>,
    /// The seconds after which a client may ask for the next difference.
    pub(crate) difference_timeout: i32,
    /// True if no event of the chat is pushed.
    pub(crate) silent: bool,
    /// True if the group is a gigagroup.
    pub(crate) gigagroup: bool,
    /// True if the chat holds the direct messages of a channel.
    pub(crate) monoforum: bool,
    pub(crate) date: i32,
}

/// An event that raised the chat's `pts` to `pts`, by `count`.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) pts: i32,
    pub(crate) count: i32,
    pub(crate) kind: EventKind,
}

#[derive(Clone)]
pub(crate) enum EventKind {
    New(i32),
    Edited(i32),
    Deleted(Vec<i32>),
    /// An event that has no update.
    Hidden,
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) id: i32,
    pub(crate) date: i32,
    /// The time on the scale of [`World::elapsed`].
    pub(crate) at: Duration,
    pub(crate) from: i64,
    pub(crate) silent: bool,
    pub(crate) edit_date: Option<i32>,
    pub(crate) content: Content,
}

#[derive(Clone)]
pub(crate) enum Content {
    Text {
        text: String,
        entities: Vec<enums::MessageEntity>,
        document: Option<i64>,
        random_id: i64,
        /// The user whose message this one forwards.
        forwarded_from: Option<i64>,
    },
    Service(Box<enums::MessageAction>),
}

/// The number of bytes of a reference to a document.
pub(crate) const FILE_REFERENCE_LENGTH: usize = 25;

/// A file that was posted. Every message that has it shows the same reference, until that expires.
pub(crate) struct Document {
    pub(crate) id: i64,
    pub(crate) access_hash: i64,
    pub(crate) file_reference: Vec<u8>,
    pub(crate) date: i32,
    pub(crate) name: String,
    pub(crate) mime: String,
    pub(crate) attributes: Vec<enums::DocumentAttribute>,
    pub(crate) force_file: bool,
    pub(crate) bytes: Vec<u8>,
}

impl Chat {
    pub(crate) fn new(id: i64, access_hash: i64, title: String, broadcast: bool) -> Self {
        let date = clock::unix();
        let created = Message {
            id: 1,
            date,
            at: Duration::ZERO,
            from: 0,
            silent: false,
            edit_date: None,
            content: Content::Service(Box::new(enums::MessageAction::ChannelCreate(
                types::MessageActionChannelCreate {
                    title: title.clone(),
                },
            ))),
        };
        Self {
            id,
            access_hash,
            title,
            broadcast,
            members: BTreeMap::new(),
            can_post: !broadcast,
            hides_joins: false,
            hides_joins_until: Duration::ZERO,
            captcha_delay: None,
            hides_members: false,
            can_view_participants: !broadcast,
            refuses_join_dates: false,
            migrated_from: None,
            archived: false,
            hides_top_message: false,
            messages: BTreeMap::from([(1, created)]),
            last_id: 1,
            pts: 2,
            events: vec![Event {
                pts: 2,
                count: 1,
                kind: EventKind::New(1),
            }],
            too_long: 0,
            difference_error: None,
            unreadable: BTreeSet::new(),
            difference_timeout: 30,
            silent: false,
            gigagroup: false,
            monoforum: false,
            date,
        }
    }

    /// Returns the chat's object as the account sees it.
    pub(crate) fn object(&self, world: &World) -> enums::Chat {
        let Some(member) = self.members.get(&world.me) else {
            return enums::Chat::ChannelForbidden(types::ChannelForbidden {
                broadcast: self.broadcast,
                megagroup: !self.broadcast,
                monoforum: self.monoforum,
                id: self.id,
                access_hash: self.access_hash,
                title: self.title.clone(),
                until_date: None,
            });
        };
        let admin_rights = member.admin.then(|| {
            enums::ChatAdminRights::Rights(types::ChatAdminRights {
                post_messages: self.broadcast && self.can_post,
                other: true,
                ..blank::admin_rights()
            })
        });
        enums::Chat::Channel(types::Channel {
            broadcast: self.broadcast,
            megagroup: !self.broadcast,
            gigagroup: self.gigagroup,
            monoforum: self.monoforum,
            id: self.id,
            access_hash: Some(self.access_hash),
            title: self.title.clone(),
            photo: enums::ChatPhoto::Empty,
            date: member.date,
            admin_rights,
            participants_count: world
                .options
                .participants_count_in_chats
                .then(|| self.participants_count()),
            ..blank::channel()
        })
    }

    /// Returns the chat's entry in the list of dialogs.
    pub(crate) fn dialog(&self) -> enums::Dialog {
        enums::Dialog::Dialog(types::Dialog {
            pinned: false,
            unread_mark: false,
            view_forum_as_messages: false,
            peer: self.peer(),
            top_message: self.messages.keys().next_back().copied().unwrap_or(0),
            read_inbox_max_id: 0,
            read_outbox_max_id: 0,
            unread_count: 0,
            unread_mentions_count: 0,
            unread_reactions_count: 0,
            unread_poll_votes_count: 0,
            notify_settings: blank::notify(),
            pts: Some(self.pts),
            draft: None,
            folder_id: self.archived.then_some(1),
            ttl_period: None,
        })
    }

    pub(crate) fn peer(&self) -> enums::Peer {
        enums::Peer::Channel(types::PeerChannel {
            channel_id: self.id,
        })
    }

    pub(crate) fn count_posts(&self) -> usize {
        self.messages
            .values()
            .filter(|message| matches!(message.content, Content::Text { .. }))
            .count()
    }

    pub(crate) fn count_files(&self) -> usize {
        let has_file = |message: &&Message| {
            matches!(
                &message.content,
                Content::Text {
                    document: Some(_),
                    ..
                }
            )
        };
        self.messages.values().filter(has_file).count()
    }

    /// Returns the posts after the first `skip` ones, with the bytes of their files.
    pub(crate) fn posts(&self, world: &World, skip: usize) -> Vec<Post> {
        self.messages
            .values()
            .filter(|message| matches!(message.content, Content::Text { .. }))
            .skip(skip)
            .filter_map(|message| {
                let Content::Text {
                    text,
                    entities,
                    document,
                    random_id,
                    ..
                } = &message.content
                else {
                    return None;
                };
                let file = document
                    .and_then(|id| world.documents.get(&id))
                    .map(|document| PostedFile {
                        document: document.id,
                        name: document.name.clone(),
                        mime: document.mime.clone(),
                        bytes: document.bytes.clone(),
                        attributes: document.attributes.clone(),
                        force_file: document.force_file,
                    });
                Some(Post {
                    id: message.id,
                    from: message.from,
                    by_account: world.accounts.contains(&message.from),
                    date: message.date,
                    at: message.at,
                    text: text.clone(),
                    entities: entities.clone(),
                    random_id: *random_id,
                    silent: message.silent,
                    file,
                })
            })
            .collect()
    }
}

impl Message {
    /// Returns the document that the message has.
    pub(crate) fn document(&self) -> Option<i64> {
        match self.content {
            Content::Text { document, .. } => document,
            Content::Service(_) => None,
        }
    }

    /// Returns the users that the message refers to, whose objects accompany it.
    pub(crate) fn users(&self) -> Vec<i64> {
        let mut users = vec![self.from];
        if let Content::Service(action) = &self.content {
            match action.as_ref() {
                enums::MessageAction::ChatAddUser(action) => users.extend(&action.users),
                enums::MessageAction::ChatDeleteUser(action) => users.push(action.user_id),
                enums::MessageAction::ChatJoinedByLink(action) => users.push(action.inviter_id),
                _ => {}
            }
        }
        users
    }

    /// Returns the message's object as the account sees it in `chat`.
    pub(crate) fn object(&self, chat: &Chat, world: &World) -> enums::Message {
        let from_id = (!chat.broadcast && self.from != 0)
            .then_some(enums::Peer::User(types::PeerUser { user_id: self.from }));
        let out = self.from == world.me;
        match &self.content {
            Content::Service(action) => enums::Message::Service(types::MessageService {
                out,
                mentioned: false,
                media_unread: false,
                reactions_are_possible: false,
                silent: self.silent,
                post: chat.broadcast,
                legacy: false,
                id: self.id,
                from_id,
                peer_id: chat.peer(),
                saved_peer_id: None,
                reply_to: None,
                date: self.date,
                action: action.as_ref().clone(),
                reactions: None,
                ttl_period: None,
            }),
            Content::Text {
                text,
                entities,
                document,
                forwarded_from,
                ..
            } => enums::Message::Message(types::Message {
                out,
                silent: self.silent,
                post: chat.broadcast,
                id: self.id,
                from_id,
                peer_id: chat.peer(),
                date: self.date,
                message: text.clone(),
                fwd_from: forwarded_from.map(|user| forward_header(user, self.date)),
                media: document
                    .and_then(|id| world.documents.get(&id))
                    .map(|document| document.media(world.me)),
                entities: (!entities.is_empty()).then(|| entities.clone()),
                edit_date: self.edit_date,
                views: chat.broadcast.then_some(1),
                forwards: chat.broadcast.then_some(0),
                ..blank::message()
            }),
        }
    }
}

fn forward_header(user: i64, date: i32) -> enums::MessageFwdHeader {
    enums::MessageFwdHeader::Header(types::MessageFwdHeader {
        imported: false,
        saved_out: false,
        from_id: Some(enums::Peer::User(types::PeerUser { user_id: user })),
        from_name: None,
        date,
        channel_post: None,
        post_author: None,
        saved_from_peer: None,
        saved_from_msg_id: None,
        saved_from_id: None,
        saved_from_name: None,
        saved_date: None,
        psa_type: None,
    })
}

impl Document {
    /// Returns the access hash that this account has to name. Other accounts have others.
    pub(crate) fn hash_for(&self, account: i64) -> i64 {
        self.access_hash ^ mix(account.cast_unsigned()).cast_signed()
    }

    fn media(&self, account: i64) -> enums::MessageMedia {
        enums::MessageMedia::Document(types::MessageMediaDocument {
            nopremium: false,
            spoiler: false,
            video: false,
            round: false,
            voice: false,
            document: Some(enums::Document::Document(types::Document {
                id: self.id,
                access_hash: self.hash_for(account),
                file_reference: self.file_reference.clone(),
                date: self.date,
                mime_type: self.mime.clone(),
                size: self.bytes.len() as i64,
                thumbs: None,
                video_thumbs: None,
                dc_id: crate::HOME_DC,
                attributes: self.attributes.clone(),
            })),
            alt_documents: None,
            video_cover: None,
            video_timestamp: None,
            ttl_seconds: None,
        })
    }
}
