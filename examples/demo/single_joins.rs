//! Members join one after the other, each under other circumstances.
//!
//! The demo shows the daemon's work from outside: its calls and posts in the simulator, and the outcome
//! of each join in the database.

use anyhow::{Context as _, ensure};
use telegram_sim::{Call, JoinKind, OTHER_DC, Outcome, PhotoSpec, UserSpec};

use crate::daemon::JoinKey;
use crate::screen::{Style, size};
use crate::state::{Demo, Expected, Member, join_key};

/// Lets the members join and shows the result of each join.
pub(crate) fn run(demo: &mut Demo) -> anyhow::Result<()> {
    use Expected::{Forwarded, Skipped};
    demo.screen.heading("Members join a group, one by one")?;
    let group = demo.group;
    let owner = demo.sim.owner();

    let plain = demo.member(with_photo);
    show(demo, &plain, JoinKind::ByLink, "joins by a link", Forwarded)?;

    let far = demo.member(|spec| spec.photo(PhotoSpec::jpeg().dc(OTHER_DC)));
    let story = "joins; their photo is kept in the other data centre";
    show(demo, &far, JoinKind::BySelf, story, Forwarded)?;

    let min = demo.member(|spec| with_photo(spec).min(false));
    let story = "joins; the update shows a min user, without a photo";
    show(demo, &min, JoinKind::ByRequest, story, Forwarded)?;

    let bare = demo.member(|spec| spec);
    let story = "joins by a link; they have no photo";
    show(demo, &bare, JoinKind::ByLink, story, Skipped("no_photo"))?;

    let bot = demo.member(|spec| with_photo(spec).bot());
    let story = format!("is a bot, added by {}", far.label);
    show(
        demo,
        &bot,
        JoinKind::AddedBy(far.id),
        &story,
        Skipped("bot"),
    )?;

    let friend = demo.member(with_photo);
    let (how, reason) = (JoinKind::AddedBy(owner), Skipped("added_by_trusted"));
    show(demo, &friend, how, "is added by an administrator", reason)?;

    let chief = demo.chief.clone();
    let story = "joins; they administer another group";
    show(demo, &chief, JoinKind::ByLink, story, Skipped("trusted"))?;

    demo.sim.leave(group, plain.id);
    let story = "left, and joins again with the same photo";
    show(demo, &plain, JoinKind::ByLink, story, Skipped("repeat"))?;

    demo.sim.leave(group, plain.id);
    demo.sim.set_photo(plain.id, Some(PhotoSpec::jpeg()));
    let story = "left, and joins again with a new photo";
    show(demo, &plain, JoinKind::ByLink, story, Forwarded)
}

fn with_photo(spec: UserSpec) -> UserSpec {
    spec.photo(PhotoSpec::jpeg())
}

/// Lets a member join and shows the daemon's steps until the join is settled.
fn show(
    demo: &mut Demo,
    member: &Member,
    how: JoinKind,
    story: &str,
    expected: Expected,
) -> anyhow::Result<()> {
    if !demo.joined.is_empty() {
        demo.screen.line("")?;
    }
    let mut seen = demo.sim.read(|world| world.calls().len());
    let key = demo.join(demo.group, member, how, expected);
    let at = demo.elapsed();
    demo.screen
        .row(Some(at), Style::Bold, &member.label, story)?;
    let mut posted = false;
    let outcome = demo.until(
        &format!("the join of {} to be settled", member.label),
        |demo| {
            // The outcome is read first, so that the steps before it are shown completely.
            let outcome = demo.daemon.outcome(key)?;
            show_calls(demo, member, &mut seen)?;
            if !posted {
                posted = show_post(demo, key)?;
            }
            Ok(outcome)
        },
    )?;
    if outcome != "forwarded" {
        let text = format!("{outcome}: {}", meaning(&outcome));
        demo.screen.row(None, Style::Skip, "skipped", &text)?;
    }
    ensure!(
        outcome == expected.outcome(),
        "the join of {} became {outcome}, not {}",
        member.label,
        expected.outcome()
    );
    demo.screen.pause_to_read()?;
    Ok(())
}

/// Shows the calls after the first `seen` ones that concern the member.
fn show_calls(demo: &Demo, member: &Member, seen: &mut usize) -> anyhow::Result<()> {
    let id = member.id.to_string();
    let calls: Vec<Call> = demo.sim.read(|world| {
        let new = world.calls().iter().skip(*seen);
        new.take_while(|call| call.outcome != Outcome::Pending)
            .cloned()
            .collect()
    });
    *seen += calls.len();
    for call in calls.iter().filter(|call| call.succeeded()) {
        let (word, text) = match call.method {
            "users.getUsers" if call.describe().contains(&id) => (
                "asked",
                "Telegram for this user, to see the photo".to_owned(),
            ),
            "auth.importAuthorization" => (
                "logged in",
                format!("to data centre {}, for this and all later photos", call.dc),
            ),
            "upload.getFile" if call.describe().contains(&id) => {
                let photo = size(demo.sim.photo_bytes(member.id).len());
                (
                    "fetched",
                    format!("the photo, {photo}, from data centre {}", call.dc),
                )
            }
            _ => continue,
        };
        demo.screen.row(None, Style::Step, word, &text)?;
    }
    Ok(())
}

/// Shows the post of this join, if it exists; the first post with its caption.
fn show_post(demo: &Demo, key: JoinKey) -> anyhow::Result<bool> {
    let posts = demo.sim.posts(demo.hide);
    let Some(post) = posts.iter().find(|post| join_key(post) == Some(key)) else {
        return Ok(false);
    };
    let file = post.file.as_ref().context("a caption without a file")?;
    let joined = demo.joined.iter().find(|joined| joined.key == key);
    let joined_at = joined.context("a post for an unknown join")?.at;
    let text = format!(
        "in HIDE as message {}, sealed, {}, after {} ms",
        post.id,
        size(file.bytes.len()),
        post.at.saturating_sub(joined_at).as_millis()
    );
    demo.screen.row(None, Style::Good, "posted", &text)?;
    if demo.joined.len() == 1 {
        let caption: serde_json::Value = serde_json::from_str(&post.text)?;
        let to = format!(
            "from {} to {}: {} {}",
            words(&caption["from"]),
            words(&caption["to"][0]),
            words(&caption["action"]),
            words(&caption["type"])
        );
        let data = words(&caption["data"]);
        demo.screen.row(None, Style::Faint, "caption", &to)?;
        demo.screen.row(None, Style::Faint, "", &data)?;
    }
    Ok(true)
}

/// Returns a JSON value without its quotes and braces.
fn words(value: &serde_json::Value) -> String {
    value
        .to_string()
        .replace(['"', '{', '}'], "")
        .replace(':', " ")
        .replace(',', ", ")
}

/// Explains a skip reason.
fn meaning(outcome: &str) -> &'static str {
    match outcome {
        "no_photo" => "none, or hidden from this account",
        "bot" => "NOSPAM needs no photo of a bot",
        "added_by_trusted" => "an administrator added them",
        "trusted" => "an administrator, or one of the fleet",
        "repeat" => "this photo was forwarded for this group",
        _ => "an unexpected outcome",
    }
}
