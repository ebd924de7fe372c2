//! The SOCKS5 proxy.
//!
//! Owns the section `[proxy]` and the form in which the MTProto sender wants it: a URL whose
//! escapes it does not decode. Whatever such a URL cannot carry unchanged is refused here, because
//! the proxy would only answer that the password is wrong.

use std::net::IpAddr;

use secrecy::SecretString;

use super::credentials::{Found, Names, Places};
use super::section::Section;
use crate::secret::Secret;

/// The credential has the section in its name, for `password` alone is the one that seals.
const PROXY_PASSWORD: Names = Names {
    key: "password",
    file_key: "password_file",
    credential: "proxy_password",
    variable: "SCP079_PROXY_PASSWORD",
    number: false,
};

/// What RFC 1929 has room for, in a user name and in a password.
const SOCKS_BYTES: usize = 255;

/// `[proxy]`, when enabled.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its name or address; an IPv6 address without brackets.
    pub hostname: String,
    /// Its port, never 0.
    pub port: u16,
    /// User name and password, if the proxy asks for them.
    pub login: Option<(String, Secret)>,
}

impl Proxy {
    /// Gives the proxy as `socks5://[USERNAME:PASSWORD@]HOST:PORT`, with nothing escaped.
    #[must_use]
    pub fn url(&self) -> SecretString {
        let host = match self.hostname.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.hostname.clone(),
        };
        let port = self.port;
        match &self.login {
            Some((username, password)) => {
                format!("socks5://{username}:{}@{host}:{port}", password.expose())
            }
            None => format!("socks5://{host}:{port}"),
        }
        .into()
    }
}

/// Reads the section; `None` within is the direct way.
pub(super) fn read(section: &mut Section<'_, '_>, places: &Places<'_>) -> Option<Option<Proxy>> {
    let enabled = section.flag("enabled", false);
    let hostname = section.parsed(
        "hostname",
        "127.0.0.1",
        host,
        "a host's name or address, without scheme and port",
    );
    let port = section.number("port", 1080, 1..=65_535, "a port");
    let username = section.text("username", "");
    let password = match places.look(section, &PROXY_PASSWORD) {
        Found::Secret(secret) => Some(Ok(secret)),
        Found::Nowhere(line) => Some(Err(line)),
        Found::Faulty => None,
    };
    let (enabled, hostname, port) = (enabled?, hostname?, port?);
    let (username, password) = (username?, password?);
    if !enabled {
        return Some(None);
    }
    let login = match (username.is_empty(), password) {
        (true, Err(_)) => None,
        (false, Ok(password)) => Some((username, password)),
        (false, Err(line)) => {
            let usual = "write password = \"…\", or remove username if the proxy asks for neither";
            return section.unfilled("password", line, PROXY_PASSWORD.remedy(usual));
        }
        (true, Ok(password)) => {
            let problem = format!("is missing, while the password is {password}");
            let remedy = "write username = \"…\", or take the password away";
            return section.wrong("username", section.line_of("username"), problem, remedy);
        }
    };
    if let Some((username, password)) = &login {
        let username = carried(section, "username", username);
        let password = carried(section, "password", password.expose());
        username.and(password)?;
    }
    let port = u16::try_from(port).expect("the range was checked");
    Some(Some(Proxy {
        hostname,
        port,
        login,
    }))
}

fn host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if bare.parse::<IpAddr>().is_ok() || (!text.is_empty() && text.bytes().all(name)) {
        Ok(bare.to_owned())
    } else {
        Err(format!("{text:?} is no host"))
    }
}

/// Checks that a proxy's user name or password arrives as it is.
///
/// The MTProto sender takes the proxy as a URL and does not decode its escapes: a character that a
/// URL has to escape would reach the proxy as `%…` (WHATWG URL, userinfo percent-encode set).
fn carried(section: &mut Section<'_, '_>, key: &'static str, text: &str) -> Option<()> {
    let line = section.line_of(key);
    let unescaped = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>?`{}/:;=@[\\]^|".contains(&byte);
    if text.len() > SOCKS_BYTES {
        let problem = format!("is longer than the {SOCKS_BYTES} bytes that SOCKS5 has room for");
        return section.wrong(key, line, problem, "use a shorter one");
    }
    if !text.bytes().all(unescaped) {
        return section.wrong(
            key,
            line,
            "has a character that would not reach the proxy unchanged",
            "use letters, digits and any of ! $ % & ' ( ) * + , - . _ ~ only",
        );
    }
    Some(())
}
