//! The pickle of a list, written user by user. The bytes are those of the whole value.
//!
//! Each user is unpickled again before it is written, so that every user of the pickle can be read.

use std::io::Write;
use std::iter::Peekable;

use fleet_files::pickle::{self, DictPickler, PyValue, Unpickled};

use super::encode::{UserEntry, to_python};
use crate::list_file::ListTextError;
use crate::model::{List, ListSource, UserId};

/// Returns the length of the pickle of `user_ids`, which [`write_list`] takes; 0 for the other lists.
pub(crate) fn measure_list<S: ListSource>(
    list: List,
    source: &S,
) -> Result<u64, ListTextError<S::Error>> {
    if list != List::UserIds {
        return Ok(0);
    }
    let mut pickler = DictPickler::measure();
    for user in users(source) {
        let (user, entry) = user.map_err(ListTextError::Source)?;
        pickler.pair(&PyValue::Int(user.get()), &entry.into_python())?;
    }
    Ok(pickler.finish()?)
}

/// Writes the pickle of `list`.
pub(crate) fn write_list<S: ListSource>(
    list: List,
    source: &S,
    length: u64,
    to: &mut dyn Write,
) -> Result<(), ListTextError<S::Error>> {
    if list != List::UserIds {
        let value = to_python(&source.whole(list).map_err(ListTextError::Source)?);
        return Ok(to.write_all(&checked(&value)?)?);
    }
    let mut pickler = DictPickler::new(to, length)?;
    for user in users(source) {
        let (user, entry) = user.map_err(ListTextError::Source)?;
        let entry = entry.into_python();
        checked(&entry)?;
        pickler.pair(&PyValue::Int(user.get()), &entry)?;
    }
    pickler.finish()?;
    Ok(())
}

/// Pickles a value, and unpickles it again.
fn checked<E>(value: &PyValue) -> Result<Vec<u8>, ListTextError<E>> {
    let pickle = pickle::write(value);
    match pickle::read(&pickle) {
        Ok(Unpickled::Data(read)) if read == *value => Ok(pickle),
        _ => Err(ListTextError::RoundTrip),
    }
}

/// Joins the records of each user, in the order of the users.
fn users<S: ListSource>(source: &S) -> impl Iterator<Item = Result<(UserId, UserEntry), S::Error>> {
    let mut joins = source.joins_by_user().peekable();
    let mut photos = source.forwarded().peekable();
    std::iter::from_fn(move || {
        let user = match (joins.peek(), photos.peek()) {
            (None, None) => return None,
            (Some(Err(_)), _) => return joins.next()?.err().map(Err),
            (_, Some(Err(_))) => return photos.next()?.err().map(Err),
            (Some(Ok(join)), Some(Ok(photo))) => join.user.min(photo.user),
            (Some(Ok(join)), None) => join.user,
            (None, Some(Ok(photo))) => photo.user,
        };
        let mut entry = UserEntry::default();
        while let Some(join) = next_of(&mut joins, |join| join.user == user) {
            entry.add_join(&join);
        }
        while let Some(photo) = next_of(&mut photos, |photo| photo.user == user) {
            entry.add_photo(&photo);
        }
        Some(Ok((user, entry)))
    })
}

/// Takes the next record if it was read and is wanted.
fn next_of<T, E>(
    records: &mut Peekable<impl Iterator<Item = Result<T, E>>>,
    is_wanted: impl Fn(&T) -> bool,
) -> Option<T> {
    records
        .next_if(|record| record.as_ref().is_ok_and(&is_wanted))?
        .ok()
}
