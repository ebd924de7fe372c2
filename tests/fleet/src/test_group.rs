//! The SCP-079-TEST group, in which members type `/version`. The account is not a member.

use telegram_sim::{JoinKind, Simulator, UserSpec};

/// The command that a member types.
pub(crate) const COMMAND: &str = "/version";

/// The TEST group with one member.
pub struct TestGroup {
    /// The bare id of the group.
    pub group: i64,
    /// The user who types `/version`.
    pub member: i64,
}

impl TestGroup {
    pub(crate) fn new(sim: &Simulator) -> Self {
        let group = sim.add_group("SCP-079-TEST");
        sim.kick_me(group);
        let member = sim.add_user(UserSpec::new("A member of TEST"));
        sim.join(group, member, JoinKind::BySelf);
        Self { group, member }
    }

    /// Lets the member type `/version`; returns the message's id.
    pub fn type_version(&self, sim: &Simulator) -> i32 {
        sim.send_message(self.group, self.member, COMMAND)
    }
}
