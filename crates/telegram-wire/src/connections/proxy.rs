//! Errors of the SOCKS5 proxy in the words of the log: the proxy's address, the cause and the remedy.
//!
//! grammers passes the errors of its SOCKS client on as texts, which do not name the proxy. The functions are pure, and
//! no user name or password is part of a text that they return.

use std::io::{Error, ErrorKind};

/// Returns the cause for the log if the proxy at `url` did not open the connection. Returns `None` for any other error.
pub(super) fn cause_of(error: &Error, url: &str) -> Option<String> {
    // An error of the operating system has no inner error.
    let text = error.get_ref()?.to_string();
    let address = address_of(url);
    let cause = match (error.kind(), text.as_str()) {
        (ErrorKind::Other, _) => {
            format!("the proxy {address} was not found ({text}): check [proxy] hostname")
        }
        (ErrorKind::ConnectionAborted, "Proxy server unreachable") => format!(
            "the proxy {address} cannot be reached: check that it runs, and [proxy] hostname and port"
        ),
        (ErrorKind::ConnectionAborted, text) if text.starts_with("Password auth failure") => {
            format!(
                "the proxy {address} refused the user name or password: check [proxy] username and password"
            )
        }
        (
            ErrorKind::ConnectionAborted,
            "No acceptable auth methods" | "Authorization required" | "Unknown auth method",
        ) => format!(
            "the proxy {address} requires another kind of login: check [proxy] username and password"
        ),
        (
            ErrorKind::ConnectionAborted,
            "General SOCKS server failure"
            | "Connection not allowed by ruleset"
            | "Network unreachable"
            | "Host unreachable"
            | "Connection refused"
            | "TTL expired",
        ) => format!(
            "the proxy {address} cannot reach Telegram ({text}): check the proxy's network and rules"
        ),
        (ErrorKind::ConnectionAborted, _) => format!(
            "the proxy {address} did not open the connection ({text}): check that [proxy] hostname and port are those \
             of a SOCKS5 proxy"
        ),
        _ => return None,
    };
    Some(cause)
}

/// Returns the cause for the log if a connection through the proxy at `url` never carried an answer.
pub(super) fn silence(url: &str) -> String {
    format!(
        "no answer through the proxy {}: check that it runs and reaches Telegram, and [proxy] hostname and port",
        address_of(url)
    )
}

/// Returns the words that name the proxy at `url` in the cause of a connection that it has opened.
pub(super) fn way_through(url: &str) -> String {
    format!(" through the proxy {}", address_of(url))
}

/// Returns `HOST:PORT` of `socks5://[USERNAME:PASSWORD@]HOST:PORT`.
fn address_of(url: &str) -> &str {
    let start = url.rfind(['@', '/']).map_or(0, |separator| separator + 1);
    &url[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "socks5://user:hunter22@proxy.example:1080";

    #[test]
    fn each_error_of_the_proxy_names_its_address_and_the_remedy() {
        for (kind, text, cause, remedy) in [
            (
                ErrorKind::Other,
                "no record found",
                "was not found (no record found)",
                "[proxy] hostname",
            ),
            (
                ErrorKind::ConnectionAborted,
                "Proxy server unreachable",
                "cannot be reached",
                "[proxy] hostname and port",
            ),
            (
                ErrorKind::ConnectionAborted,
                "Password auth failure, code: 1",
                "refused the user name or password",
                "[proxy] username and password",
            ),
            (
                ErrorKind::ConnectionAborted,
                "No acceptable auth methods",
                "requires another kind of login",
                "[proxy] username and password",
            ),
            (
                ErrorKind::ConnectionAborted,
                "Host unreachable",
                "cannot reach Telegram (Host unreachable)",
                "the proxy's network and rules",
            ),
            (
                ErrorKind::ConnectionAborted,
                "early eof",
                "did not open the connection (early eof)",
                "[proxy] hostname and port",
            ),
        ] {
            let shown = cause_of(&Error::new(kind, text), URL).expect("an error of the proxy");
            let start = format!("the proxy proxy.example:1080 {cause}: check ");
            assert!(shown.starts_with(&start), "{shown}");
            assert!(shown.contains(remedy), "{shown}");
            assert!(
                !shown.contains("user:") && !shown.contains("hunter22"),
                "{shown}"
            );
        }
        let shown = silence(URL);
        let start = "no answer through the proxy proxy.example:1080: check ";
        assert!(shown.starts_with(start), "{shown}");
    }

    #[test]
    fn an_error_of_an_open_connection_does_not_name_the_proxy() {
        for error in [
            Error::from(ErrorKind::ConnectionAborted),
            Error::from_raw_os_error(103),
            Error::new(ErrorKind::ConnectionReset, "read 0 bytes"),
        ] {
            assert_eq!(cause_of(&error, URL), None);
        }
    }

    #[test]
    fn the_address_is_that_of_the_proxy() {
        for (url, address) in [
            ("socks5://127.0.0.1:1080", "127.0.0.1:1080"),
            ("socks5://[::1]:9", "[::1]:9"),
            ("socks5://me:p%41$!@p.example:1080", "p.example:1080"),
        ] {
            assert_eq!(address_of(url), address);
        }
    }
}
