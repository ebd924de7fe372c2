//! `[proxy]`: the SOCKS5 proxy, and its URL for the MTProto sender.
//!
//! The sender does not decode the escapes of a URL. User names and passwords that a URL would have
//! to escape are refused here, because the proxy would only answer that the password is wrong.

use std::net::IpAddr;

use secrecy::SecretString;

use super::credentials::{Lookup, SecretNames, SecretSources};
use super::section_reader::SectionReader;
use super::sections::{Section, Value};
use crate::secret::Secret;

/// The credential has the section in its name, because `password` is the sealing password.
const PROXY_PASSWORD: SecretNames = SecretNames {
    key: "password",
    file_key: "password_file",
    credential: "proxy_password",
    variable: "SCP079_PROXY_PASSWORD",
    is_number: false,
};

/// The most bytes of a user name and of a password (RFC 1929).
const MAX_SOCKS_BYTES: usize = 255;

/// `[proxy]`, when enabled.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The name or address; an IPv6 address without brackets.
    pub hostname: String,
    /// The port, never 0.
    pub port: u16,
    /// User name and password, if the proxy requires them.
    pub login: Option<(String, Secret)>,
}

impl Proxy {
    /// Returns `socks5://[USERNAME:PASSWORD@]HOST:PORT`, without escapes.
    #[must_use]
    pub fn url(&self) -> SecretString {
        let address = self.address();
        match &self.login {
            Some((username, password)) => {
                format!("socks5://{username}:{}@{address}", password.expose())
            }
            None => format!("socks5://{address}"),
        }
        .into()
    }

    /// Returns `HOST:PORT`, an IPv6 address in brackets.
    #[must_use]
    pub fn address(&self) -> String {
        match self.hostname.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            _ => format!("{}:{}", self.hostname, self.port),
        }
    }
}

/// `None` is a direct connection.
impl Section for Option<Proxy> {
    const NAME: &'static str = "proxy";

    fn read(section: &mut SectionReader<'_, '_>, sources: &SecretSources<'_>) -> Option<Self> {
        let enabled = section.flag("enabled", false);
        let hostname = section.parsed(
            "hostname",
            "127.0.0.1",
            host,
            "a host's name or address, without scheme and port",
        );
        let port = section.number("port", 1080, 1..=65_535, "a port");
        let username = section.text("username", "");
        let password = sources.find(section, &PROXY_PASSWORD);
        // A proxy that is disabled may be incomplete.
        let login = match (enabled, password) {
            (_, Lookup::Invalid) => None,
            (Some(true), password) => login(section, username.as_deref(), password),
            _ => Some(None),
        };
        let (enabled, hostname, port, _) = (enabled?, hostname?, port?, username?);
        let login = login?;
        if !enabled {
            return Some(None);
        }
        let port = u16::try_from(port).expect("the range was checked");
        Some(Some(Proxy {
            hostname,
            port,
            login,
        }))
    }

    fn values(&self) -> Vec<Value> {
        let mut values = vec![Value::new("enabled", self.is_some())];
        let Some(proxy) = self else { return values };
        values.push(Value::new("hostname", &proxy.hostname));
        values.push(Value::new("port", proxy.port));
        match &proxy.login {
            Some((username, password)) => {
                values.push(Value::new("username", username));
                values.push(Value::new("password", password));
            }
            None => values.push(Value::new("username", "none, and no password")),
        }
        values
    }
}

/// Checks that user name and password are both set, or neither. `username` is `None` if an error about it is recorded.
fn login(
    section: &mut SectionReader<'_, '_>,
    username: Option<&str>,
    password: Lookup,
) -> Option<Option<(String, Secret)>> {
    let Some(username) = username else {
        if let Lookup::Found(password) = password {
            check_characters(section, "password", password.expose());
        }
        return None;
    };
    match (username.is_empty(), password) {
        (_, Lookup::Invalid) => None,
        (true, Lookup::Missing(_)) => Some(None),
        (false, Lookup::Found(password)) => {
            let username_fits = check_characters(section, "username", username);
            let password_fits = check_characters(section, "password", password.expose());
            username_fits.and(password_fits)?;
            Some(Some((username.to_owned(), password)))
        }
        (false, Lookup::Missing(line)) => {
            let usual = "write password = \"…\", or remove username if the proxy requires neither";
            section.missing("password", line, PROXY_PASSWORD.remedy(usual))
        }
        (true, Lookup::Found(password)) => {
            check_characters(section, "password", password.expose());
            let problem = format!("is missing, while the password is {password}");
            let remedy = "write username = \"…\", or remove the password";
            section.error("username", section.line_of("username"), problem, remedy)
        }
    }
}

fn host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if bare.parse::<IpAddr>().is_ok() || (!text.is_empty() && text.bytes().all(in_name)) {
        Ok(bare.to_owned())
    } else {
        Err(format!("{text:?} is not a host"))
    }
}

/// Checks that a user name or password reaches the proxy unchanged.
///
/// The MTProto sender takes a URL and does not decode it: a character that a URL has to escape would
/// reach the proxy as `%…` (WHATWG URL, userinfo percent-encode set).
fn check_characters(
    section: &mut SectionReader<'_, '_>,
    key: &'static str,
    text: &str,
) -> Option<()> {
    let line = section.line_of(key);
    let unescaped = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>?`{}/:;=@[\\]^|".contains(&byte);
    if text.len() > MAX_SOCKS_BYTES {
        let problem = format!("is longer than SOCKS5 allows: at most {MAX_SOCKS_BYTES} bytes");
        return section.error(key, line, problem, "use a shorter one");
    }
    if !text.bytes().all(unescaped) {
        return section.error(
            key,
            line,
            "has a character that would not reach the proxy unchanged",
            "use letters, digits and any of ! $ % & ' ( ) * + , - . _ ~ only",
        );
    }
    Some(())
}
