//! Events in a chat. Each change gets its `pts`, is kept for differences, and is pushed.

use grammers_tl_types::{enums, types};

use super::World;
use super::chat::{Chat, Content, Event, EventKind, Message};
use crate::clock;

impl World {
    /// Adds a message and pushes it to all connections of the chat's accounts but `except`; returns its id.
    pub(crate) fn add_message(
        &mut self,
        chat: i64,
        from: i64,
        content: Content,
        silent: bool,
        except: Option<u64>,
    ) -> i32 {
        let chat_id = chat;
        if matches!(content, Content::Text { .. }) {
            self.record_activity(chat, from);
        }
        let at = self.elapsed();
        let chat = self
            .chats
            .get_mut(&chat)
            .expect("the caller found the chat");
        chat.last_id += 1;
        let id = chat.last_id;
        let message = Message {
            id,
            date: clock::unix(),
            at,
            from,
            silent,
            edit_date: None,
            content,
        };
        chat.messages.insert(id, message);
        self.record_event(chat_id, EventKind::New(id), 1, except);
        id
    }

    /// Adds a service message from `from`; returns its id.
    pub(crate) fn add_service(
        &mut self,
        chat: i64,
        from: i64,
        action: enums::MessageAction,
    ) -> i32 {
        self.add_message(chat, from, Content::Service(Box::new(action)), false, None)
    }

    /// Replaces a message's text. Returns whether the message exists and has a text.
    pub(crate) fn edit(&mut self, chat: i64, message: i32, new_text: &str) -> bool {
        let Some(Message {
            content: Content::Text { text, .. },
            edit_date,
            ..
        }) = self
            .chats
            .get_mut(&chat)
            .and_then(|chat| chat.messages.get_mut(&message))
        else {
            return false;
        };
        new_text.clone_into(text);
        *edit_date = Some(clock::unix());
        self.record_event(chat, EventKind::Edited(message), 1, None);
        true
    }

    /// Deletes messages with one event; returns how many of them existed.
    pub(crate) fn delete(&mut self, chat: i64, messages: &[i32]) -> usize {
        let Some(found) = self.chats.get_mut(&chat) else {
            return 0;
        };
        let removed: Vec<Message> = messages
            .iter()
            .filter_map(|id| found.messages.remove(id))
            .collect();
        let gone: Vec<i32> = removed.iter().map(|message| message.id).collect();
        for document in removed.iter().filter_map(Message::document) {
            if !self.has_document(document) {
                self.expire_file_reference(document);
            }
        }
        let count = gone.len();
        if count > 0 {
            self.record_event(chat, EventKind::Deleted(gone), count, None);
        }
        count
    }

    /// Returns whether a message has the document.
    fn has_document(&self, document: i64) -> bool {
        let mut messages = self.chats.values().flat_map(|chat| chat.messages.values());
        messages.any(|message| message.document() == Some(document))
    }

    /// Makes a fresh reference to a document, which only a message shows.
    pub(crate) fn expire_file_reference(&mut self, document: i64) {
        let fresh = self.file_reference();
        if let Some(document) = self.documents.get_mut(&document) {
            document.file_reference = fresh;
        }
    }

    /// Numbers an event, keeps it for differences, and pushes it to all connections of the chat's accounts but `except`.
    pub(crate) fn record_event(
        &mut self,
        chat: i64,
        kind: EventKind,
        count: usize,
        except: Option<u64>,
    ) {
        let found = self
            .chats
            .get_mut(&chat)
            .expect("the caller found the chat");
        let count = i32::try_from(count).expect("an event counts a handful of messages");
        found.pts += count;
        let event = Event {
            pts: found.pts,
            count,
            kind,
        };
        found.events.push(event.clone());
        if found.silent {
            return;
        }
        let present = self.accounts.iter().copied();
        let present = present.filter(|account| found.members.contains_key(account));
        for account in present.collect::<Vec<_>>() {
            self.seen_as(account, |world| world.push_event(chat, &event, except));
        }
    }

    /// Pushes an event as the present account sees it.
    fn push_event(&mut self, chat: i64, event: &Event, except: Option<u64>) {
        let found = &self.chats[&chat];
        if let Some(update) = self.update_of(found, event) {
            let users = self.users_of_event(found, event);
            let updates = self.updates(vec![update], users, &[chat]);
            self.push(&updates, except);
        }
    }

    /// Returns the update of an event as it is pushed.
    pub(crate) fn update_of(&self, chat: &Chat, event: &Event) -> Option<enums::Update> {
        let (pts, pts_count) = (event.pts, event.count);
        match &event.kind {
            EventKind::New(id) => {
                let message = chat.messages.get(id)?.object(chat, self);
                Some(enums::Update::NewChannelMessage(
                    types::UpdateNewChannelMessage {
                        message,
                        pts,
                        pts_count,
                    },
                ))
            }
            EventKind::Edited(id) => {
                let message = chat.messages.get(id)?.object(chat, self);
                Some(enums::Update::EditChannelMessage(
                    types::UpdateEditChannelMessage {
                        message,
                        pts,
                        pts_count,
                    },
                ))
            }
            EventKind::Deleted(messages) => Some(enums::Update::DeleteChannelMessages(
                types::UpdateDeleteChannelMessages {
                    channel_id: chat.id,
                    messages: messages.clone(),
                    pts,
                    pts_count,
                },
            )),
            EventKind::Hidden => None,
        }
    }

    /// Returns the users that the event's message refers to.
    pub(crate) fn users_of_event(&self, chat: &Chat, event: &Event) -> Vec<i64> {
        match &event.kind {
            EventKind::New(id) | EventKind::Edited(id) => chat
                .messages
                .get(id)
                .map(Message::users)
                .unwrap_or_default(),
            EventKind::Deleted(_) | EventKind::Hidden => Vec::new(),
        }
    }

    /// Wraps updates with the objects of the users and chats that they refer to.
    pub(crate) fn updates(
        &self,
        updates: Vec<enums::Update>,
        users: Vec<i64>,
        chats: &[i64],
    ) -> enums::Updates {
        enums::Updates::Updates(types::Updates {
            updates,
            users: self.visible_users(users),
            chats: self.chat_objects(chats),
            date: clock::unix(),
            seq: 0,
        })
    }

    /// Pushes `updateChannel`, by which the account learns that its own membership or rights changed.
    pub(crate) fn push_channel_update(&mut self, chat: i64) {
        let update = enums::Update::Channel(types::UpdateChannel { channel_id: chat });
        let updates = self.updates(vec![update], Vec::new(), &[chat]);
        self.push(&updates, None);
    }
}
