//! Formats durations, times, sizes and tables for a terminal, and sanitizes foreign text.

use crate::model::Timestamp;

/// The width at which `status` and `why` wrap sentences.
const WIDTH: usize = 96;

/// Formats a duration in one unit, rounded down.
pub(super) fn span(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    if seconds < MINUTE {
        format!("{seconds} s")
    } else if seconds < HOUR {
        format!("{} min", seconds / MINUTE)
    } else if seconds < 2 * DAY {
        format!("{} h", seconds / HOUR)
    } else {
        format!("{} days", seconds / DAY)
    }
}

/// Formats a time relative to `now`: `3 min ago`, `in 2 h`.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.get().saturating_sub(at.get());
    match seconds {
        0 => "just now".into(),
        1.. => format!("{} ago", span(seconds)),
        _ => format!("in {}", span(seconds.saturating_neg())),
    }
}

/// Formats a time as RFC 3339 and relative to `now`.
pub(super) fn time(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", at.rfc3339(), relative(at, now))
}

/// Formats a size in bytes.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
    let (mut unit, mut size) = ("bytes", count as f64);
    for larger in UNITS {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" {
        format!("{count} bytes")
    } else {
        format!("{size:.1} {unit}")
    }
}

/// Reports whether a character could break the line, control the terminal, turn the direction of writing, or hide.
pub(super) fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
}

/// Replaces the harmful characters of foreign text.
pub(super) fn replace_harmful(text: &str) -> String {
    text.chars()
        .map(|c| if is_harmful(c) { '·' } else { c })
        .collect()
}

/// Shortens foreign text and replaces its harmful characters.
pub(super) fn sanitize(text: &str) -> String {
    const MAX_CHARS: usize = 48;
    let mut sane = replace_harmful(text);
    if let Some((at, _)) = sane.char_indices().nth(MAX_CHARS) {
        sane.truncate(at);
        sane.push('…');
    }
    sane
}

/// Sanitizes a foreign sentence word by word, so that it keeps its length.
pub(super) fn sanitize_sentence(text: &str) -> String {
    text.split_whitespace()
        .map(sanitize)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Aligns cells: numbers to the right, text to the left. The last column is not padded.
pub(super) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    // The heading does not count.
    let is_numeric = |column: usize| {
        let mut cells = rows.iter().skip(1).filter_map(|row| row.get(column));
        cells.all(|cell| cell == "-" || cell.parse::<u64>().is_ok())
    };
    let right: Vec<bool> = (0..columns).map(is_numeric).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = widths[column];
                if right[column] {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            line.trim_end().to_owned()
        })
        .collect()
}

/// Wraps a sentence into lines that begin with `indent`.
pub(super) fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in text.split_whitespace() {
        let is_empty = line.len() == indent.len();
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_largest_fitting_unit() {
        let now = Timestamp::new(1_000_000);
        for (seconds, text) in [
            (0, "just now"),
            (-1, "1 s ago"),
            (-59, "59 s ago"),
            (-60, "1 min ago"),
            (-3_599, "59 min ago"),
            (-3_600, "1 h ago"),
            (-172_799, "47 h ago"),
            (-172_800, "2 days ago"),
            (90, "in 1 min"),
            (5, "in 5 s"),
        ] {
            assert_eq!(relative(now.plus(seconds), now), text, "{seconds}");
        }
        assert!(relative(Timestamp::new(i64::MIN), now).ends_with("ago"));
        assert!(relative(Timestamp::new(i64::MAX), Timestamp::new(-5)).starts_with("in"));
    }

    #[test]
    fn sizes_are_shown_in_the_largest_fitting_unit() {
        for (count, text) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_536, "1.5 KiB"),
            (512 << 20, "512.0 MiB"),
            (3 << 40, "3072.0 GiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn foreign_text_stays_on_its_line_and_moves_no_cursor() {
        assert_eq!(sanitize("a\u{1b}[2Jb\nc\u{202e}d"), "a·[2Jb·c·d");
        assert_eq!(sanitize("a\u{61c}b\u{ad}c\u{180e}d\u{e0041}e"), "a·b·c·d·e");
        let fillers = "a\u{3164}b\u{115f}c\u{1160}d\u{ffa0}e\u{fff9}f\u{fffb}g\u{e0100}h\u{e01ef}i";
        assert_eq!(sanitize(fillers), "a·b·c·d·e·f·g·h·i");
        assert_eq!(sanitize("群組 한글"), "群組 한글");
        assert_eq!(sanitize(&"x".repeat(60)).chars().count(), 49);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["WORD".to_owned(), "COUNT".into(), "LAST".into()],
            vec!["a".into(), "7".into(), "x".into()],
            vec!["longer".into(), "-".into(), "yy".into()],
        ];
        assert_eq!(
            table(&rows),
            [
                "WORD    COUNT  LAST",
                "a           7  x",
                "longer      -  yy"
            ]
        );
        assert_eq!(wrapped("", "  "), ["  "]);
        let lines = wrapped(&"word ".repeat(60), "    ");
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH));
    }
}
