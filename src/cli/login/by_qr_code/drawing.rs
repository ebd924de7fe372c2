//! Draws a text as a QR code in half blocks, two rows of modules a line.

use fast_qr::{ECL, QRBuilder, QRCode};

/// The light modules around a code, which scanners need (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// The fewest light modules around a code in a small terminal. Cameras still find the code between other text.
const SMALLEST_QUIET_ZONE: usize = 2;

/// White on black, whatever colours the terminal has, and its own colours again.
const COLOURS: (&str, &str) = ("\x1b[97;40m", "\x1b[0m");

/// The size of a terminal or of a drawing in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) lines: usize,
}

impl Size {
    /// Reports whether a drawing of this size is seen whole in a terminal, with the cursor on the line below it.
    const fn fits(self, terminal: Self) -> bool {
        self.columns <= terminal.columns && self.lines < terminal.lines
    }
}

/// A QR code with the quiet zone around it.
pub(super) struct Drawing {
    code: QRCode,
    quiet_zone: usize,
}

impl Drawing {
    /// Returns `None` for a text that is too long.
    pub(super) fn new(text: &str) -> Option<Self> {
        let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
        Some(Self {
            code,
            quiet_zone: QUIET_ZONE,
        })
    }

    /// Makes the quiet zone smaller if a terminal needs that. Returns the smallest size if the terminal is too small.
    pub(super) fn fit(mut self, terminal: Size) -> Result<Self, Size> {
        while !self.size().fits(terminal) {
            if self.quiet_zone == SMALLEST_QUIET_ZONE {
                return Err(self.size());
            }
            self.quiet_zone -= 1;
        }
        Ok(self)
    }

    fn size(&self) -> Size {
        let columns = self.code.size + 2 * self.quiet_zone;
        Size {
            columns,
            lines: columns.div_ceil(2),
        }
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        let inside = self.quiet_zone..self.quiet_zone + self.code.size;
        inside.contains(&row)
            && inside.contains(&column)
            && self.code[row - self.quiet_zone][column - self.quiet_zone].value()
    }

    /// Returns the lines, with colours for a terminal. Light modules are blocks, because most terminals are dark.
    pub(super) fn text(&self, with_colours: bool) -> String {
        let width = self.size().columns;
        let (begin, end) = if with_colours { COLOURS } else { ("", "") };
        let lines = (0..width).step_by(2).map(|row| {
            let blocks = (0..width).map(|column| {
                // The number of rows is odd. The row after the last one is left to the terminal.
                let below = row + 1 == width || self.is_dark(row + 1, column);
                match (self.is_dark(row, column), below) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                }
            });
            format!("{begin}{}{end}", blocks.collect::<String>())
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a link with a token of this many bytes. Telegram's tokens have some 40 bytes.
    fn link(bytes: usize) -> String {
        format!("tg://login?token={}", "A".repeat((bytes * 4).div_ceil(3)))
    }

    #[test]
    fn a_code_has_its_finder_patterns_inside_a_quiet_zone() {
        let drawing = Drawing::new(&link(40)).expect("a code").text(false);
        let lines: Vec<&str> = drawing.lines().collect();
        let width = lines[0].chars().count();
        assert_eq!(lines.len(), width.div_ceil(2));
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert!(lines[..2].iter().all(|line| line.chars().all(|c| c == '█')));
        // The finder pattern is a dark square of 7 with a light ring and a dark square of 3 inside.
        let corner = |line: &str| line.chars().skip(QUIET_ZONE).take(7).collect::<String>();
        let rows: Vec<String> = lines[2..6].iter().map(|line| corner(line)).collect();
        assert_eq!(rows, [" ▄▄▄▄▄ ", " █   █ ", " █▄▄▄█ ", "▄▄▄▄▄▄▄"]);
    }

    #[test]
    fn a_terminal_shows_the_whole_code_with_the_largest_quiet_zone_that_fits() {
        let fitted = |bytes, columns, lines| {
            let drawing = Drawing::new(&link(bytes)).expect("a code");
            let fitted = drawing.fit(Size { columns, lines });
            fitted.map(|drawing| (drawing.quiet_zone, drawing.size().lines))
        };
        assert_eq!(fitted(40, 80, 24), Ok((4, 21)));
        assert_eq!(fitted(64, 80, 24), Ok((4, 23)));
        assert_eq!(fitted(80, 80, 24), Ok((2, 23)));
        assert_eq!(fitted(40, 80, 22), Ok((4, 21)));
        assert_eq!(fitted(40, 80, 21), Ok((3, 20)));
        assert_eq!(fitted(40, 37, 50), Ok((2, 19)));
        let smallest = Size {
            columns: 37,
            lines: 19,
        };
        assert_eq!(fitted(40, 36, 50), Err(smallest));
        assert_eq!(fitted(40, 80, 19), Err(smallest));
    }

    #[test]
    fn colours_are_set_and_reset_on_each_line() {
        let drawing = Drawing::new("tg://login?token=AAAA").expect("a code");
        for line in drawing.text(true).lines() {
            assert!(
                line.starts_with(COLOURS.0) && line.ends_with(COLOURS.1),
                "{line}"
            );
        }
        assert!(Drawing::new(&"x".repeat(5_000)).is_none());
    }
}
