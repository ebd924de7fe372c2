//! The document of a list, written record by record. The bytes are those of [`list_document`].
//!
//! Each record is parsed again before it is written, so that every record of the document can be read.

use std::io::Write;

use super::schema::RecordJson;
use super::{FORMAT, list_document, parse};
use crate::list_file::ListTextError;
use crate::model::{List, ListSource};

/// Writes the document of `list`.
pub(crate) fn write_list<S: ListSource>(
    list: List,
    source: &S,
    saved_at: &str,
    to: &mut dyn Write,
) -> Result<(), ListTextError<S::Error>> {
    if list != List::UserIds {
        let data = source.whole(list).map_err(ListTextError::Source)?;
        let document = list_document(list, &data, saved_at)?;
        if !parse(&document).is_ok_and(|parsed| parsed == (list, data)) {
            return Err(ListTextError::RoundTrip);
        }
        return Ok(to.write_all(&document)?);
    }
    let saved_at = serde_json::to_string(saved_at)?;
    write!(
        to,
        "{{\"format\":{FORMAT},\"list\":\"{list}\",\"saved_at\":{saved_at},\"data\":{{\"joins\":["
    )?;
    write_records(source.joins(), to)?;
    to.write_all(b"],\"forwarded\":[")?;
    write_records(source.forwarded(), to)?;
    Ok(to.write_all(b"]}}\n")?)
}

fn write_records<T: RecordJson, E>(
    records: impl Iterator<Item = Result<T, E>>,
    to: &mut dyn Write,
) -> Result<(), ListTextError<E>> {
    for (number, record) in records.enumerate() {
        let record = record.map_err(ListTextError::Source)?;
        let json = record.to_json()?;
        if T::from_json(&json).as_ref() != Some(&record) {
            return Err(ListTextError::RoundTrip);
        }
        if number > 0 {
            to.write_all(b",")?;
        }
        to.write_all(&json)?;
    }
    Ok(())
}
