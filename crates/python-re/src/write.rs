//! Writes a pattern in the engine's syntax, so that it means there what it means in Python.
//!
//! Nothing is left to the engine's own flags or categories: upper and lower case become sets of
//! characters, `\w` and its like become Python's sets, `\b` becomes two lookarounds over them, and
//! every character that could be syntax is written by its number. Names of groups become numbers.

use std::collections::BTreeSet;

use super::charset;
use super::engine::Fold;
use super::parse::Parsed;
use super::tree::{At, Category, Class, Member, Node, RepeatKind, Sequence, Width, width};

/// A piece that nothing matches.
const NEVER: &str = "(?!)";

/// A pattern in the engine's syntax. It wants `^` and `$` to mean lines, and `.` any character.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) pattern: String,
    /// Whether it needs backtracking, so that its work has to be bounded by counting steps.
    pub(super) backtracks: bool,
}

/// Writes what was read. A repetition up to `longest`, the length of the longest text, or more
/// often is written without an end.
pub(super) fn write(parsed: &Parsed, fold: Option<Fold>, longest: usize) -> Written {
    let mut writer = Writer {
        out: String::new(),
        backtracks: false,
        groups: &parsed.groups,
        referenced: &parsed.referenced,
        fold,
        longest,
    };
    writer.any(&parsed.alternatives);
    Written {
        pattern: writer.out,
        backtracks: writer.backtracks,
    }
}

struct Writer<'a> {
    out: String,
    backtracks: bool,
    groups: &'a [Option<Width>],
    referenced: &'a BTreeSet<usize>,
    fold: Option<Fold>,
    longest: usize,
}

impl Writer<'_> {
    fn any(&mut self, alternatives: &[Sequence]) {
        for (n, sequence) in alternatives.iter().enumerate() {
            if n > 0 {
                self.out.push('|');
            }
            self.all(sequence);
        }
    }

    fn all(&mut self, sequence: &[Node]) {
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
            Node::Group(Some(group), alternatives) if self.referenced.contains(group) => {
                // The engine needs a reference from within for two things: it then tries all ways through a
                // group whose only reference is a condition, and it forgets where the last capture began
                // when the next one ends before it.
                self.backtracks = true;
                self.put(format_args!(r"((?=|\{group})(?:"));
                self.any(alternatives);
                self.out.push_str("))");
            }
            Node::Group(Some(_), alternatives) => self.wrapped("(", alternatives),
            Node::Atomic(alternatives) => self.hard("(?>", alternatives),
            Node::Look {
                behind,
                negative,
                alternatives,
            } => self.hard(
                match (behind, negative) {
                    (false, false) => "(?=",
                    (false, true) => "(?!",
                    (true, false) => "(?<=",
                    (true, true) => "(?<!",
                },
                alternatives,
            ),
            Node::Backreference(group, flags) => {
                self.backtracks = true;
                let case = if flags.ignore_case { "i" } else { "" };
                self.put(format_args!(r"(?{case}:\{group})"));
            }
            Node::Conditional { group, yes, no } => {
                self.backtracks = true;
                // `(?=)`: the engine takes two empty branches for the bare condition, which can fail
                self.put(format_args!("(?({group})(?:(?=)"));
                self.all(yes);
                self.out.push_str(")|(?:(?=)");
                self.all(no);
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
        self.any(alternatives);
        self.out.push(')');
    }

    fn hard(&mut self, open: &str, alternatives: &[Sequence]) {
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
        let set = charset::of(&class.members, flags, self.fold);
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
        let width = width(body, self.groups);
        if width.most == 0 {
            return self.repeat_nothing(min, max, kind, body);
        }
        if width.least.saturating_mul(u64::from(min)) > self.longest as u64 {
            // no text is as long; the body stays, so that its groups keep their numbers
            self.backtracks = true;
            self.out.push_str(NEVER);
            return self.node(body);
        }
        let possessive = kind == RepeatKind::Possessive;
        if possessive {
            self.backtracks = true;
            self.out.push_str("(?>");
        }
        // CPython drops the ways back into each round of a possessive repetition, not only into the whole.
        self.out.push_str(if possessive { "(?>" } else { "(?:" });
        self.node(body);
        self.out.push(')');
        let max = max.filter(|max| width.least == 0 || (*max as usize) < self.longest);
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

    /// The engine repeats nothing that has no width; once, or perhaps, says the same.
    fn repeat_nothing(&mut self, min: u32, max: Option<u32>, kind: RepeatKind, body: &Node) {
        if max == Some(0) {
            // The body never runs, so its groups never take part; it stays, so that they keep their numbers.
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
        let may_be_left_out = min == 0;
        if may_be_left_out && kind == RepeatKind::Lazy {
            self.out.push('|');
        }
        self.node(body);
        if may_be_left_out && kind != RepeatKind::Lazy {
            self.out.push('|');
        }
        self.out.push(')');
    }
}

/// Python's categories, as the inside of a set in the engine's syntax.
///
/// `str.isdecimal`, `str.isspace` and `str.isalnum` with `_`: Python's word characters are fewer
/// than the engine's (no marks, no joiners), its white space is more (the separators 1C to 1F).
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
