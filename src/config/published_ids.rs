//! The api_ids of Telegram's own and of other open programs, which their sources publish.
//!
//! Telegram answers a login with such an id with API_ID_PUBLISHED_FLOOD, or ends the account later: the terms of the API
//! ask for an api_id of one's own (<https://core.telegram.org/api/obtaining_api_id>). The table holds no api_hash.

/// An api_id, and the program whose source publishes it.
const PUBLISHED: [(i32, &str); 15] = [
    // DrKLO/Telegram, BuildVars.java: the id for builds from the source, and the one in the stores.
    (4, "Telegram for Android"),
    (6, "Telegram for Android"),
    // TelegramMessenger/Telegram-iOS, the build configuration for development.
    (8, "Telegram for iOS"),
    // overtake/TelegramSwift, Config.swift.
    (9, "Telegram for macOS"),
    // telegramdesktop/tdesktop, the released builds.
    (2040, "Telegram Desktop"),
    // zhukov/webogram, config.js; Ajaxy/telegram-tt.
    (2496, "Telegram Web"),
    // overtake/TelegramSwift, the released builds.
    (2834, "Telegram for macOS"),
    // vysheng/tg, loop.h; the benchmarks of tdlib/td.
    (2899, "telegram-cli"),
    (10840, "Telegram for iOS"),
    (16623, "Plus Messenger"),
    // telegramdesktop/tdesktop, docs/api_credentials.md: "TEST ONLY credentials".
    (17349, "Telegram Desktop's documentation"),
    // TGX-Android/Telegram-X.
    (21724, "Telegram X"),
    // tdlib/td, example/.
    (94575, "TDLib's examples"),
    // The packages of telegramdesktop/tdesktop in Linux distributions.
    (611335, "Telegram Desktop's packages"),
    // morethanwords/tweb.
    (1025907, "Telegram Web K"),
];

/// Returns the program that published an api_id.
pub(super) fn publisher_of(api_id: i32) -> Option<&'static str> {
    let published = PUBLISHED.iter().find(|(id, _)| *id == api_id);
    published.map(|(_, program)| *program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_no_id_twice() {
        assert!(PUBLISHED.is_sorted_by(|(one, _), (next, _)| one < next));
        assert_eq!(
            publisher_of(17349),
            Some("Telegram Desktop's documentation")
        );
        assert_eq!(publisher_of(12345), None);
    }
}
