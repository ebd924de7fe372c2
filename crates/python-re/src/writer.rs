//! Writes a tree in the engine's syntax, so that the pattern keeps the meaning that it has in Python.
//!
//! The writer leaves nothing to the engine's own flags and categories. Case-insensitive characters become sets, `\w`
//! and the other categories become Python's sets, `\b` becomes lookarounds over them, characters that could be syntax
//! are written as numbers, and names of groups become numbers.

use super::charset;
use super::parse::Parsed;
use super::pattern::TextFolding;
use super::text::Text;
use super::tree::{At, Category, Class, LookKind, Member, Node, RepeatKind, Sequence};
use super::width::Width;

/// Matches nowhere.
const NEVER: &str = "(?!)";

/// A pattern in the engine's syntax, for an engine whose `^` and `$` match at lines and whose `.` matches all
/// characters.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) pattern: String,
    /// The pattern needs backtracking, so a step limit has to bound its work.
    pub(crate) backtracks: bool,
}

/// Writes a parsed pattern.
pub(crate) fn write(parsed: &Parsed, folding: Option<TextFolding>) -> Written {
    let mut writer = Writer {
        out: String::new(),
        backtracks: false,
        parsed,
        folding,
    };
    writer.alternatives(&parsed.alternatives);
    Written {
        pattern: writer.out,
        backtracks: writer.backtracks,
    }
}

struct Writer<'a> {
    out: String,
    backtracks: bool,
    parsed: &'a Parsed,
    folding: Option<TextFolding>,
}

impl Writer<'_> {
    fn alternatives(&mut self, alternatives: &[Sequence]) {
        for (n, sequence) in alternatives.iter().enumerate() {
            if n > 0 {
                self.out.push('|');
            }
            self.sequence(sequence);
        }
    }

    fn sequence(&mut self, sequence: &[Node]) {
        for node in sequence {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Literal(code_point, flags) => {
                let member = Member::Range(*code_point, *code_point);
                self.class(&Class {
                    negated: false,
                    members: vec![member],
                    flags: *flags,
                });
            }
            Node::Any(flags) => self
                .out
                .push_str(if flags.dot_all { "." } else { r"[^\n]" }),
            Node::Class(class) => self.class(class),
            Node::At(at, flags) => self.at(*at, flags.multi_line, flags.ascii),
            Node::Group(None, alternatives) => self.wrapped("(?:", alternatives),
            Node::Group(Some(group), alternatives) if self.parsed.referenced.contains(group) => {
                // fancy-regex 0.20.2 has two errors that a reference from within the group avoids. Without one, it
                // does not backtrack into a group that only a condition refers to, and it keeps the start of the
                // previous capture if that capture ends further on, in a lookahead (`((?=(ba){,}()\3)b)+` panics on
                // "babab").
                self.backtracks = true;
                self.put(format_args!(r"((?=|\{group})(?:"));
                self.alternatives(alternatives);
                self.out.push_str("))");
            }
            Node::Group(Some(_), alternatives) => self.wrapped("(", alternatives),
            Node::Atomic(alternatives) => self.backtracking("(?>", alternatives),
            Node::Look { kind, alternatives } => {
                let open = match kind {
                    LookKind::Ahead => "(?=",
                    LookKind::NotAhead => "(?!",
                    LookKind::Behind => "(?<=",
                    LookKind::NotBehind => "(?<!",
                };
                self.backtracking(open, alternatives);
            }
            Node::Backreference(group, flags) => {
                self.backtracks = true;
                let case = if flags.ignore_case { "i" } else { "" };
                self.put(format_args!(r"(?{case}:\{group})"));
            }
            Node::Conditional { group, yes, no } => {
                self.backtracks = true;
                // The engine reads two empty branches as a bare condition, which can fail; `(?=)` prevents that.
                self.put(format_args!("(?({group})(?:(?=)"));
                self.sequence(yes);
                self.out.push_str(")|(?:(?=)");
                self.sequence(no);
                self.out.push_str("))");
            }
            Node::Repeat {
                min,
                max,
                kind,
                body,
            } => self.repeat(*min, *max, *kind, body),
        }
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.push_str(&text.to_string());
    }

    fn wrapped(&mut self, open: &str, alternatives: &[Sequence]) {
        self.out.push_str(open);
        self.alternatives(alternatives);
        self.out.push(')');
    }

    fn backtracking(&mut self, open: &str, alternatives: &[Sequence]) {
        self.backtracks = true;
        self.wrapped(open, alternatives);
    }

    fn at(&mut self, at: At, multi_line: bool, ascii: bool) {
        let word = category(Category::Word, ascii);
        match at {
            At::LineStart if multi_line => self.out.push('^'),
            At::LineEnd if multi_line => self.out.push('$'),
            At::LineStart | At::TextStart => self.out.push_str(r"\A"),
            At::TextEnd => self.out.push_str(r"\z"),
            At::LineEnd => {
                self.backtracks = true;
                self.out.push_str(r"(?=\n?\z)");
            }
            At::WordBoundary => {
                self.backtracks = true;
                self.put(format_args!(
                    "(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"
                ));
            }
            At::NoWordBoundary => {
                self.backtracks = true;
                self.put(format_args!(
                    "(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?=[^{word}])|(?<=[^{word}])(?![{word}]))"
                ));
            }
        }
    }

    fn class(&mut self, class: &Class) {
        let flags = class.flags;
        let set = charset::of(&class.members, flags, self.folding);
        let single = match set.ranges() {
            [range] if range.start() == range.end() => Some(range.start()),
            _ => None,
        };
        let mut categories = class.members.iter().filter_map(|member| match member {
            Member::Category { category, negated } => Some((*category, *negated)),
            Member::Range(..) => None,
        });
        let first = categories.next();
        match (single, first) {
            (Some(c), None) if !class.negated => return self.character(c),
            (None, None) if set.ranges().is_empty() => {
                self.backtracks |= !class.negated;
                return self.out.push_str(if class.negated { "." } else { NEVER });
            }
            _ => {}
        }
        self.out.push_str(if class.negated { "[^" } else { "[" });
        for range in set.ranges() {
            self.character(range.start());
            if range.start() != range.end() {
                self.out.push('-');
                self.character(range.end());
            }
        }
        for (kind, negated) in first.into_iter().chain(categories) {
            let name = category(kind, flags.ascii);
            if negated {
                self.put(format_args!("[^{name}]"));
            } else {
                self.out.push_str(name);
            }
        }
        self.out.push(']');
    }

    fn character(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric()) {
            self.out.push(c);
        } else {
            self.put(format_args!(r"\x{{{:x}}}", u32::from(c)));
        }
    }

    fn repeat(&mut self, min: u32, max: Option<u32>, kind: RepeatKind, body: &Node) {
        let width = Width::of(body, &self.parsed.groups);
        if width.most == 0 {
            return self.repeat_empty(min, max, kind, body);
        }
        if width.least.saturating_mul(u64::from(min)) > Text::MAX_CHARS as u64 {
            // No text is that long. The body stays because its groups count.
            self.backtracks = true;
            self.out.push_str(NEVER);
            return self.node(body);
        }
        let possessive = kind == RepeatKind::Possessive;
        if possessive {
            self.backtracks = true;
            self.out.push_str("(?>");
        }
        // In CPython each round of a possessive repetition is atomic, not only the whole.
        self.out.push_str(if possessive { "(?>" } else { "(?:" });
        self.node(body);
        self.out.push(')');
        let max = max.filter(|max| width.least == 0 || (*max as usize) < Text::MAX_CHARS);
        match (min, max) {
            (0, None) => self.out.push('*'),
            (1, None) => self.out.push('+'),
            (0, Some(1)) => self.out.push('?'),
            (min, None) => self.put(format_args!("{{{min},}}")),
            (min, Some(max)) => self.put(format_args!("{{{min},{max}}}")),
        }
        if kind == RepeatKind::Lazy {
            self.out.push('?');
        }
        if possessive {
            self.out.push(')');
        }
    }

    /// Writes the repetition of a node without width as one round, or an optional one. The engine refuses to repeat
    /// such a node.
    fn repeat_empty(&mut self, min: u32, max: Option<u32>, kind: RepeatKind, body: &Node) {
        if max == Some(0) {
            // The body never runs. It stays because its groups count.
            self.backtracks = true;
            self.put(format_args!("(?:{NEVER}"));
            self.node(body);
            return self.out.push_str("|)");
        }
        self.out.push_str(match kind {
            RepeatKind::Possessive => "(?>",
            _ => "(?:",
        });
        self.backtracks |= kind == RepeatKind::Possessive;
        let is_optional = min == 0;
        if is_optional && kind == RepeatKind::Lazy {
            self.out.push('|');
        }
        self.node(body);
        if is_optional && kind != RepeatKind::Lazy {
            self.out.push('|');
        }
        self.out.push(')');
    }
}

/// Returns a category of Python as the inside of a set in the engine's syntax.
///
/// The categories are `str.isdecimal`, `str.isspace`, and `str.isalnum` with `_`. Python has fewer word characters
/// than the engine (no marks, no joiners) and more white space (the separators 1C to 1F).
fn category(category: Category, ascii: bool) -> &'static str {
    match (category, ascii) {
        (Category::Digit, false) => r"\p{Nd}",
        (Category::Digit, true) => "0-9",
        (Category::Space, false) => r"\s\x{1c}-\x{1f}",
        (Category::Space, true) => r"\x{9}-\x{d}\x{20}",
        (Category::Word, false) => r"\p{L}\p{N}_",
        (Category::Word, true) => "0-9A-Za-z_",
    }
}
