//! The other bots of the fleet: a `/version` from the TEST group and back, a backup, and a rollback.
//!
//! The bots are stand-ins. They post in their own channel, and the bot HIDE carries the posts to and from HIDE.

use anyhow::ensure;
use telegram_sim::UserSpec;

use crate::screen::Style;
use crate::state::Demo;

/// The list that MANAGE rolls back.
const LIST: &str = "bad_ids";

/// Shows `/version`, and lets MANAGE order a backup. Its lists are 5 seconds apart, and are posted while members join.
pub(crate) fn ask(demo: &mut Demo) -> anyhow::Result<()> {
    demo.screen.heading("The other bots of the fleet")?;
    let typed = demo.elapsed();
    let asked = demo.fleet.test.type_version(&demo.sim);
    let text = "a member of the TEST group types /version";
    demo.screen.row(Some(typed), Style::Bold, "TEST", text)?;
    let text = "asks AVATAR for its version in HIDE";
    demo.screen.row(None, Style::Step, "HIDE", text)?;
    let answer = demo.until("the answer to /version", |demo| {
        demo.fleet.act(&demo.sim);
        Ok(demo.fleet.hide.answer_to(asked).cloned())
    })?;
    let took = demo.elapsed().saturating_sub(typed).as_millis();
    let text = format!("\"{}\", posted in TEST after {took} ms", answer.text);
    demo.screen.row(None, Style::Good, "answer", &text)?;

    let spammer = demo.sim.add_user(UserSpec::new("a spammer"));
    demo.fleet.nospam.call_bad(&demo.sim, spammer);
    demo.fleet.act(&demo.sim);
    let at = demo.elapsed();
    let text = "calls a user bad";
    demo.screen.row(Some(at), Style::Bold, "NOSPAM", text)?;
    demo.until("the user to be bad", |demo| {
        Ok((demo.daemon.bad()? == 1).then_some(()))
    })?;
    demo.fleet.manage.back_up_now(&demo.sim);
    demo.fleet.act(&demo.sim);
    let text = "orders a backup of all lists";
    demo.screen.row(None, Style::Bold, "MANAGE", text)?;
    demo.screen.pause_to_read()?;
    Ok(())
}

/// Shows what BACKUP kept, and lets MANAGE clear the bad list and roll it back.
pub(crate) fn roll_back(demo: &mut Demo) -> anyhow::Result<()> {
    demo.screen.heading("A rollback to that backup")?;
    let saved = demo.until("the backup of the bad list", |demo| {
        demo.fleet.act(&demo.sim);
        Ok(demo.fleet.backup.lists.get(LIST).cloned())
    })?;
    let users = saved.content.ids("users").unwrap_or_default();
    let text = format!("keeps {LIST}, with {} user", users.len());
    let at = demo.elapsed();
    demo.screen.row(Some(at), Style::Bold, "BACKUP", &text)?;
    ensure!(users.len() == 1, "the saved list has {users:?}");

    demo.fleet.manage.clear_bad_users(&demo.sim);
    demo.fleet.act(&demo.sim);
    demo.until("the bad list to be cleared", |demo| {
        Ok((demo.daemon.bad()? == 0).then_some(()))
    })?;
    let text = "clears the bad list, and orders a rollback with that file";
    demo.screen.row(None, Style::Bold, "MANAGE", text)?;
    demo.fleet.manage.roll_back(&demo.sim, LIST, &saved);
    demo.fleet.act(&demo.sim);
    demo.until("the bad list to be restored", |demo| {
        Ok((demo.daemon.bad()? == 1).then_some(()))
    })?;
    let text = "the user is on the bad list again";
    demo.screen.row(None, Style::Good, "restored", text)?;
    let photos = demo.fleet.nospam.photos.len();
    let text = format!("opened {photos} photos until now");
    demo.screen.row(None, Style::Step, "NOSPAM", &text)?;
    demo.screen.pause_to_read()?;
    Ok(())
}
