//! The word lists: which names and bios NOSPAM bans unaided (SPEC §6).
//!
//! Owns the five lists of patterns in Python's `re` syntax, made ready once per update, and the
//! answer to whether a name hits. Synchronous and pure: no clock, no disk, nothing is counted here.
//! It refuses to say what a rule reads: a rule is named by its list and its place.
//!
//! # What of Python's syntax is understood
//!
//! All that CPython 3.11 compiles under `re.I | re.S | re.M`, with its meaning: lookaround,
//! backreferences and conditions by number and name, comments, inline flags, global and scoped
//! (`aimsux`), verbose patterns, atomic groups, possessive quantifiers, octal and hexadecimal escapes,
//! `\Z`, and sets in which `[`, `&&`, `--` and `~~` are mere characters. `\d`, `\w`, `\s` and `\b` are
//! Python's, and so is what counts as one letter when case does not matter (`i`, `I`, `ı` and `İ` do).
//! Global flags are also taken behind the start, as Python did up to 3.10.
//!
//! Refused, besides what Python refuses: `\N{NAME}` (it would need Unicode's table of names), conditions
//! on a group from within it (the engine and Python disagree), the template flag `t`,
//! patterns of more than 8192 characters, groups nested more than 40 deep, and patterns that would
//! take too much memory once compiled.
//!
//! # What a rule may cost
//!
//! A rule is only run if the name has the characters that it cannot do without (`cost`). Without
//! lookaround, backreferences and the like it takes a time that is linear in the name. The others
//! backtrack, and are bounded in steps, first by little, so that the harmless ones have their turn, then by
//! more, as long as the decision's allowance lasts (`engine`).

mod hanzi;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use python_re::{Allowance, Engine, Fold, Haystack, Outcome, RefusalReason};

use crate::model::WordList;

/// Which rule: its list, and its place there, counted from 0. Shown as `nm_words, rule 1`, counted
/// from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    /// The list.
    pub list: WordList,
    /// The place in the list that was handed to [`Rules::compile`].
    pub index: usize,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, rule {}", self.list, self.index + 1)
    }
}

/// A rule that cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {reason}")]
pub struct Refused {
    /// The rule.
    pub rule: RuleId,
    /// Why; it does not quote the rule.
    pub reason: RefusalReason,
}

/// How a name or a bio was hit, and so which rules count one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// By one rule of `nm_words`, `bio_words` or `ban_words`.
    Alone(RuleId),
    /// By a rule of `ad_words` and one of `con_words`.
    Together {
        /// The one of `ad_words`.
        ad: RuleId,
        /// The one of `con_words`.
        contact: RuleId,
    },
}

impl Hit {
    /// Returns the rules that count one.
    pub fn rules(self) -> impl Iterator<Item = RuleId> {
        let (first, second) = match self {
            Self::Alone(rule) => (rule, None),
            Self::Together { ad, contact } => (ad, Some(contact)),
        };
        std::iter::once(first).chain(second)
    }
}

/// What became of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first hit, if any.
    pub hit: Option<Hit>,
    /// The rules that ran past their limit of steps, or had none left, and so were skipped; each once,
    /// in order.
    pub overran: Vec<RuleId>,
}

/// The rules of all lists, ready to be matched.
#[derive(Debug)]
pub struct Rules {
    lists: BTreeMap<WordList, Vec<(RuleId, Engine)>>,
    zh_cn: bool,
}

impl Rules {
    /// Makes rules ready, and names those that cannot be used.
    ///
    /// `zh_cn` makes Traditional Chinese count as Simplified, in the rules here and in the names later.
    #[must_use]
    pub fn compile(lists: &BTreeMap<WordList, Vec<String>>, zh_cn: bool) -> (Self, Vec<Refused>) {
        let fold: Option<Fold> = zh_cn.then_some(hanzi::simplified_forms);
        let mut refused = Vec::new();
        let mut compiled = BTreeMap::new();
        for (&list, patterns) in lists {
            let mut engines = Vec::with_capacity(patterns.len());
            for (index, pattern) in patterns.iter().enumerate() {
                let rule = RuleId { list, index };
                match Engine::compile(pattern, fold) {
                    Ok(engine) => engines.push((rule, engine)),
                    Err(reason) => refused.push(Refused { rule, reason }),
                }
            }
            compiled.insert(list, engines);
        }
        let rules = Self {
            lists: compiled,
            zh_cn,
        };
        (rules, refused)
    }

    /// Decides on a display name, and on a bio where there is one.
    ///
    /// A name hits by `nm_words`, `bio_words` or `ban_words`, or by `ad_words` and `con_words`
    /// together. A bio hits likewise, but not by `nm_words`, which speak of names alone: so NOSPAM has it.
    #[must_use]
    pub fn hit(&self, name: &str, bio: Option<&str>) -> Verdict {
        let mut search = Search {
            rules: self,
            allowance: Allowance::for_one_decision(),
            overran: Vec::new(),
        };
        let hit = search
            .text(name, &[WordList::Nm, WordList::Bio, WordList::Ban])
            .or_else(|| search.text(bio?, &[WordList::Bio, WordList::Ban]));
        let mut overran = search.overran;
        overran.sort_unstable();
        overran.dedup();
        Verdict { hit, overran }
    }
}

/// One decision under way.
struct Search<'a> {
    rules: &'a Rules,
    allowance: Allowance,
    overran: Vec<RuleId>,
}

impl Search<'_> {
    fn text(&mut self, text: &str, alone: &[WordList]) -> Option<Hit> {
        let forms: Vec<Haystack> = text::forms(text, self.rules.zh_cn)
            .into_iter()
            .map(Haystack::new)
            .collect();
        for &list in alone {
            if let Some(rule) = self.list(list, &forms) {
                return Some(Hit::Alone(rule));
            }
        }
        let ad = self.list(WordList::Ad, &forms)?;
        let contact = self.list(WordList::Con, &forms)?;
        Some(Hit::Together { ad, contact })
    }

    /// Finds the first rule of a list that hits the first form that is hit.
    fn list(&mut self, list: WordList, forms: &[Haystack]) -> Option<RuleId> {
        let engines = self.rules.lists.get(&list)?;
        let mut costly = Vec::new();
        for form in forms {
            for (rule, engine) in engines {
                match engine.glance(form, &mut self.allowance) {
                    Outcome::Hit => return Some(*rule),
                    Outcome::Missed => {}
                    Outcome::Overran => costly.push((*rule, engine, form)),
                }
            }
        }
        for (rule, engine, form) in costly {
            match engine.search(form, &mut self.allowance) {
                Outcome::Hit => return Some(rule),
                Outcome::Missed => {}
                Outcome::Overran => self.overran.push(rule),
            }
        }
        None
    }
}
