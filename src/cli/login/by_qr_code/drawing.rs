//! Draws a text as a QR code in half blocks, two rows of modules a line.

use fast_qr::{ECL, QRBuilder};

/// The light modules around a code, which scanners need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// White on black, whatever colours the terminal has, and its own colours again.
const COLOURS: (&str, &str) = ("\x1b[97;40m", "\x1b[0m");

/// Draws a text, with colours for a terminal. Light modules are blocks, because most terminals are dark. Returns `None`
/// for a text that is too long.
pub(super) fn draw(text: &str, with_colours: bool) -> Option<String> {
    let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
    let width = code.size + 2 * QUIET_ZONE;
    let is_dark = |row: usize, column: usize| {
        let inside = QUIET_ZONE..QUIET_ZONE + code.size;
        inside.contains(&row)
            && inside.contains(&column)
            && code[row - QUIET_ZONE][column - QUIET_ZONE].value()
    };
    let (begin, end) = if with_colours { COLOURS } else { ("", "") };
    let lines = (0..width).step_by(2).map(|row| {
        let blocks = (0..width).map(|column| {
            // The number of rows is odd. The row after the last one is left to the terminal.
            let below = row + 1 == width || is_dark(row + 1, column);
            match (is_dark(row, column), below) {
                (false, false) => '█',
                (false, true) => '▀',
                (true, false) => '▄',
                (true, true) => ' ',
            }
        });
        format!("{begin}{}{end}", blocks.collect::<String>())
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finder_patterns_inside_a_quiet_zone_and_fits_a_terminal() {
        // Telegram's tokens have some 40 bytes.
        let link = format!("tg://login?token={}", "A".repeat(56));
        let drawing = draw(&link, false).expect("a code");
        let lines: Vec<&str> = drawing.lines().collect();
        let width = lines[0].chars().count();
        assert!(width <= 80 && lines.len() <= 24, "{drawing}");
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(lines[..2].iter().all(|line| line.chars().all(|c| c == '█')));
        // The finder pattern is a dark square of 7 with a light ring and a dark square of 3 inside.
        let corner = |line: &str| line.chars().skip(QUIET_ZONE).take(7).collect::<String>();
        let rows: Vec<String> = lines[2..6].iter().map(|line| corner(line)).collect();
        assert_eq!(rows, [" ▄▄▄▄▄ ", " █   █ ", " █▄▄▄█ ", "▄▄▄▄▄▄▄"]);
    }

    #[test]
    fn colours_are_set_and_reset_on_each_line() {
        let drawing = draw("tg://login?token=AAAA", true).expect("a code");
        for line in drawing.lines() {
            assert!(
                line.starts_with(COLOURS.0) && line.ends_with(COLOURS.1),
                "{line}"
            );
        }
        assert_eq!(draw(&"x".repeat(5_000), true), None);
    }
}
