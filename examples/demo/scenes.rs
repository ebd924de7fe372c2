//! The cast: one member after the other, each with a story of its own.
//!
//! What is shown of the daemon's work is what others saw of it: Telegram its calls and posts, the
//! database what became of the join.

use anyhow::{Context as _, ensure};
use telegram_sim::{Call, JoinKind, OTHER_DC, Outcome, PhotoSpec, UserSpec};

use crate::daemon::JoinKey;
use crate::screen::{Ink, size};
use crate::stage::{Expected, Member, Stage, named};

/// Lets the members join, and shows what becomes of each.
pub(crate) fn play(stage: &mut Stage) -> anyhow::Result<()> {
    use Expected::{Forwarded, Skipped};
    stage.screen.heading("Members join a group, one by one")?;
    let group = stage.group;
    let owner = stage.sim.owner();

    let plain = stage.member(with_photo);
    show(
        stage,
        &plain,
        JoinKind::ByLink,
        "joins by a link",
        Forwarded,
    )?;

    let far = stage.member(|spec| spec.photo(PhotoSpec::jpeg().dc(OTHER_DC)));
    let story = "joins; their photo is kept in the other data centre";
    show(stage, &far, JoinKind::BySelf, story, Forwarded)?;

    let min = stage.member(|spec| with_photo(spec).min(false));
    let story = "joins; the update shows a min user, without a photo";
    show(stage, &min, JoinKind::ByRequest, story, Forwarded)?;

    let bare = stage.member(|spec| spec);
    let story = "joins by a link; they have no photo";
    show(stage, &bare, JoinKind::ByLink, story, Skipped("no_photo"))?;

    let bot = stage.member(|spec| with_photo(spec).bot());
    let story = format!("is a bot, added by {}", far.label);
    show(
        stage,
        &bot,
        JoinKind::AddedBy(far.id),
        &story,
        Skipped("bot"),
    )?;

    let friend = stage.member(with_photo);
    let (how, reason) = (JoinKind::AddedBy(owner), Skipped("added_by_trusted"));
    show(stage, &friend, how, "is added by an administrator", reason)?;

    let chief = stage.chief.clone();
    let story = "joins; they administer another group";
    show(stage, &chief, JoinKind::ByLink, story, Skipped("trusted"))?;

    stage.sim.leave(group, plain.id);
    let story = "left, and joins again with the same photo";
    show(stage, &plain, JoinKind::ByLink, story, Skipped("repeat"))?;

    stage.sim.leave(group, plain.id);
    stage.sim.set_photo(plain.id, Some(PhotoSpec::jpeg()));
    let story = "left, and joins again with a new photo";
    show(stage, &plain, JoinKind::ByLink, story, Forwarded)
}

fn with_photo(spec: UserSpec) -> UserSpec {
    spec.photo(PhotoSpec::jpeg())
}

/// Plays one join, and shows what the daemon does about it until it is settled.
fn show(
    stage: &mut Stage,
    member: &Member,
    how: JoinKind,
    story: &str,
    expected: Expected,
) -> anyhow::Result<()> {
    if !stage.joined.is_empty() {
        stage.screen.line("")?;
    }
    let mut seen = stage.sim.read(|world| world.calls().len());
    let key = stage.join(stage.group, member, how, expected);
    let at = stage.elapsed();
    stage
        .screen
        .row(Some(at), Ink::Bold, &member.label, story)?;
    let mut posted = false;
    let outcome = stage.until(
        &format!("the join of {} to be settled", member.label),
        |stage| {
            // Asked first: what it was settled by is then in the world.
            let outcome = stage.daemon.outcome(key)?;
            show_calls(stage, member, &mut seen)?;
            if !posted {
                posted = show_post(stage, key)?;
            }
            Ok(outcome)
        },
    )?;
    if outcome != "forwarded" {
        let text = format!("{outcome}: {}", meaning(&outcome));
        stage.screen.row(None, Ink::Skip, "skipped", &text)?;
    }
    ensure!(
        outcome == expected.word(),
        "the join of {} became {outcome}, not {}",
        member.label,
        expected.word()
    );
    stage.screen.leave_time_to_read()?;
    Ok(())
}

/// Shows the calls since `seen` that concern the member.
fn show_calls(stage: &Stage, member: &Member, seen: &mut usize) -> anyhow::Result<()> {
    let id = member.id.to_string();
    let calls: Vec<Call> = stage.sim.read(|world| {
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
                let photo = size(stage.sim.photo_bytes(member.id).len());
                (
                    "fetched",
                    format!("the photo, {photo}, from data centre {}", call.dc),
                )
            }
            _ => continue,
        };
        stage.screen.row(None, Ink::Step, word, &text)?;
    }
    Ok(())
}

/// Shows the post that names this join, once it is there; the first of all with its caption.
fn show_post(stage: &Stage, key: JoinKey) -> anyhow::Result<bool> {
    let posts = stage.sim.posts(stage.hide);
    let Some(post) = posts.iter().find(|post| named(post) == Some(key)) else {
        return Ok(false);
    };
    let file = post.file.as_ref().context("a caption without a file")?;
    let joined = stage.joined.iter().find(|joined| joined.key == key);
    let joined_at = joined.context("a post of a join that was not played")?.at;
    let text = format!(
        "in HIDE as message {}, sealed, {}, after {} ms",
        post.id,
        size(file.bytes.len()),
        post.at.saturating_sub(joined_at).as_millis()
    );
    stage.screen.row(None, Ink::Good, "posted", &text)?;
    if stage.joined.len() == 1 {
        let caption: serde_json::Value = serde_json::from_str(&post.text)?;
        let to = format!(
            "from {} to {}: {} {}",
            words(&caption["from"]),
            words(&caption["to"][0]),
            words(&caption["action"]),
            words(&caption["type"])
        );
        let data = words(&caption["data"]);
        stage.screen.row(None, Ink::Faint, "caption", &to)?;
        stage.screen.row(None, Ink::Faint, "", &data)?;
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

/// Returns what a reason of the daemon's means.
fn meaning(outcome: &str) -> &'static str {
    match outcome {
        "no_photo" => "none, or hidden from this account",
        "bot" => "NOSPAM needs no photo of a bot",
        "added_by_trusted" => "an administrator vouches for them",
        "trusted" => "an administrator, or one of the fleet",
        "repeat" => "this photo was forwarded for this group",
        _ => "not what this scene was made for",
    }
}
