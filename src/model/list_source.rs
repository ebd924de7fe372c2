//! A list that is read record by record, as often as needed.

use super::{ForwardedRecord, JoinRecord, List, ListData};

/// The lists of one moment. Every reading of the same list returns the same records in the same order. `user_ids` may
/// be far larger than memory and is read record by record; the other lists are read whole.
pub trait ListSource {
    type Error;

    fn whole(&self, list: List) -> Result<ListData, Self::Error>;

    /// Returns the joins of `user_ids` in their order in a sealed file.
    fn joins(&self) -> impl Iterator<Item = Result<JoinRecord, Self::Error>>;

    /// Returns the forwarded photos of `user_ids`, in the order of their users.
    fn forwarded(&self) -> impl Iterator<Item = Result<ForwardedRecord, Self::Error>>;

    /// Returns the joins of `user_ids`, in the order of their users.
    fn joins_by_user(&self) -> impl Iterator<Item = Result<JoinRecord, Self::Error>>;
}
