//! Questions for the version, which a bot posts in HIDE during a raid, and the times of their answers.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Value, json};
use telegram_sim::{Post, UserSpec, World};

use super::Stage;

/// The questions that were posted. The number of a question, from 1, is its `message_id`.
#[derive(Default)]
pub(super) struct VersionAsks {
    posted_at: RefCell<Vec<Duration>>,
}

impl VersionAsks {
    /// Posts a question at each interval, if there is one, while fewer than `files` files are in HIDE.
    pub(super) async fn post(
        &self,
        stage: &Stage,
        interval: Option<Duration>,
        files: usize,
    ) -> Infallible {
        let Some(interval) = interval else {
            return std::future::pending().await;
        };
        let sim = &stage.sim;
        let bot = sim.add_user(UserSpec::new("HIDE").bot());
        let mut ticks = tokio::time::interval(interval);
        loop {
            ticks.tick().await;
            if sim.read(|world| world.count_files(stage.hide)) < files {
                let number = self.count() + 1;
                let data = json!({"admin_id": bot, "message_id": number});
                let ask = json!({"from": "HIDE", "to": ["AVATAR"], "action": "version", "type": "ask", "data": data});
                self.posted_at.borrow_mut().push(sim.read(World::elapsed));
                sim.post(stage.hide, bot, &ask.to_string(), None);
            }
        }
    }

    pub(super) fn count(&self) -> usize {
        self.posted_at.borrow().len()
    }

    /// Returns the time between each answered question and its first answer.
    pub(super) fn answer_times(&self, posts: &[Post]) -> Vec<Duration> {
        let mut answers = vec![None; self.count()];
        for post in posts.iter().filter(|post| post.by_account) {
            let Ok(envelope) = serde_json::from_str::<Value>(&post.text) else {
                continue;
            };
            if envelope["action"] == "version" && envelope["type"] == "reply" {
                let number = envelope["data"]["message_id"].as_u64();
                let index = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
                if let Some(answer) = index.and_then(|index| answers.get_mut(index)) {
                    answer.get_or_insert(post.at);
                }
            }
        }
        let posted_at = self.posted_at.borrow();
        let answered = answers.into_iter().zip(posted_at.iter());
        answered
            .filter_map(|(answer, asked)| Some(answer?.saturating_sub(*asked)))
            .collect()
    }
}
