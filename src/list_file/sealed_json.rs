//! The JSON of a list in a sealed file: `{"format": 1, "list": NAME, "saved_at": RFC 3339, "data": …}`.
//!
//! The figures of a report have the same layout, under a name that is not a list's.

mod schema;
mod stream;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json, json};

use self::schema::ListDataJson;
pub(crate) use self::stream::write_list;
use super::ListFileError;
use crate::model::{List, ListData};

const FORMAT: u64 = 1;

/// Returns the document of any data under any name.
#[must_use]
pub fn document(name: &str, data: Json, saved_at: &str) -> Vec<u8> {
    let document = json!({"format": FORMAT, "list": name, "saved_at": saved_at, "data": data});
    let mut text = document.to_string().into_bytes();
    text.push(b'\n');
    text
}

/// Returns the document of a list. Lists are long, so it is serialized without a tree in between.
///
/// # Errors
/// The data cannot be written as JSON, which does not happen for [`ListData`].
pub fn list_document(
    list: List,
    data: &ListData,
    saved_at: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Document<'a> {
        format: u64,
        list: &'a str,
        saved_at: &'a str,
        data: ListDataJson<'a>,
    }
    let mut text = serde_json::to_vec(&Document {
        format: FORMAT,
        list: list.as_str(),
        saved_at,
        data: ListDataJson(data),
    })?;
    text.push(b'\n');
    Ok(text)
}

/// Returns figures by label as the data of a document, in their order.
#[must_use]
pub fn counts(counts: &[(String, u64)]) -> Json {
    counts
        .iter()
        .map(|(label, count)| (label.clone(), json!(count)))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns the data of a list as a tree.
pub(super) fn to_value(data: &ListData) -> Result<Json, serde_json::Error> {
    serde_json::to_value(ListDataJson(data))
}

/// Parses the document of a list.
pub(super) fn parse(text: &[u8]) -> Result<(List, ListData), ListFileError> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: Option<Json>,
        list: Option<Json>,
        data: Option<IgnoredAny>,
    }
    let not_a_list = |reason: &str| ListFileError::NotAList(reason.to_owned());
    let head: Head =
        serde_json::from_slice(text).map_err(|error| not_a_list(&error.to_string()))?;
    match head.format.as_ref().and_then(Json::as_u64) {
        Some(FORMAT) => {}
        Some(other) => {
            return Err(not_a_list(&format!(
                "format {other} is unknown, only format {FORMAT} can be read"
            )));
        }
        None => return Err(not_a_list("the format is missing")),
    }
    let list = head
        .list
        .as_ref()
        .and_then(Json::as_str)
        .and_then(List::from_name)
        .ok_or_else(|| not_a_list("the name of the list is missing or unknown"))?;
    if head.data.is_none() {
        return Err(not_a_list("the data are missing"));
    }
    Ok((list, schema::parse_data(list, text)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChannelId, Timestamp};

    #[test]
    fn files_without_the_optional_fields_open_and_the_fields_are_written() {
        let old = br#"{"format":1,"list":"user_ids","saved_at":"2026-01-01T00:00:00Z","data":{
            "joins":[{"group_id":-1001234567890,"message_id":5,"user_id":7,"joined_at":9,
                      "added_by":null,"outcome":"forwarded"}],
            "forwarded":[{"user_id":7,"photo_id":-3,"group_id":-1001234567890,"message_id":8,
                          "sent_at":10}]}}"#;
        let (list, data) = parse(old).expect("a list");
        let ListData::Users(mut users) = data else {
            panic!("not users")
        };
        assert_eq!(list, List::UserIds);
        assert_eq!(users.joins[0].seen_at, None);
        assert_eq!(users.forwarded[0].channel, None);
        users.joins[0].seen_at = Some(Timestamp::new(11));
        users.forwarded[0].channel = Some(ChannelId::from_bare(12));
        let data = ListData::Users(users);
        let json = list_document(List::UserIds, &data, "now").expect("JSON");
        let text = String::from_utf8_lossy(&json);
        assert!(text.contains(r#""seen_at":11"#), "{text}");
        assert!(text.contains(r#""channel_id":-1000000000012"#), "{text}");
        assert_eq!(parse(&json).expect("a list"), (List::UserIds, data));
    }

    #[test]
    fn rules_keep_their_order_and_invalid_counts_are_refused() {
        let rules = ListData::Rules(vec![("z".into(), 1), ("a".into(), 0)]);
        let list = List::from_name("nm_words").expect("a list");
        let json = list_document(list, &rules, "now").expect("JSON");
        assert_eq!(parse(&json).expect("a list"), (list, rules));
        let negative = br#"{"format":1,"list":"nm_words","data":{"z":-1}}"#;
        let error = parse(negative).expect_err("a negative count").to_string();
        assert!(error.contains("does not hold nm_words"), "{error}");
    }
}
