//! SCP-079-AVATAR: forwards the profile photos of new group members to the SCP-079 fleet.
