//! The members who join: photos in both data centres, users that are shown in every way, and every kind of join.

use telegram_sim::{HOME_DC, JoinKind, OTHER_DC, PhotoSpec, Simulator, UserSpec, World};

use crate::arrivals::Join;

/// Adds the user who is to join as member number `number`, with a photo.
pub(crate) fn add(sim: &Simulator, number: usize) -> i64 {
    let dc = if number.is_multiple_of(3) {
        OTHER_DC
    } else {
        HOME_DC
    };
    let spec = UserSpec::new(format!("Joiner {number}")).photo(PhotoSpec::jpeg().dc(dc));
    sim.add_user(match number % 5 {
        0 => spec.min(false),
        1 => spec.full(),
        _ => spec,
    })
}

/// Lets a user join a group as member number `number`.
pub(crate) fn join(sim: &Simulator, group: i64, user: i64, number: usize) -> Join {
    let kind = match number % 3 {
        0 => JoinKind::BySelf,
        1 => JoinKind::ByLink,
        _ => JoinKind::ByRequest,
    };
    let at = sim.read(World::elapsed);
    sim.join(group, user, kind);
    Join { group, user, at }
}
