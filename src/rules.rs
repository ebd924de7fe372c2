//! The word lists: the names and bios that NOSPAM bans without a photo (docs/rules.md).
//!
//! This module compiles the five lists of patterns once per update and decides whether a name or bio hits. It is
//! synchronous: it reads neither clock nor disk, and it counts no hits. Errors and logs name a rule by its list and
//! number and never quote it. The crate `python-re` has the syntax and the step limits.

mod hanzi;
mod text;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use python_re::{CompileError, Flags, Options, Pattern, StepBudget, StepLimitExceeded, Text};

use crate::model::WordList;

/// The flags that the fleet passes to `re.search`: `re.I | re.S | re.M`.
const FLAGS: Flags = Flags {
    ignore_case: true,
    multi_line: true,
    dot_all: true,
    verbose: false,
    ascii: false,
};

/// A rule's list and its position there. Displayed as `nm_words, rule 1`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    pub list: WordList,
    /// The position in the list that was passed to [`Rules::compile`], counted from 0.
    pub index: usize,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, rule {}", self.list, self.index + 1)
    }
}

/// A rule that cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {reason}")]
pub struct InvalidRule {
    pub rule: RuleId,
    pub reason: CompileError,
}

/// The rules that a name or bio hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// One rule of `nm_words`, `bio_words` or `ban_words`.
    Single(RuleId),
    /// A rule of `ad_words` together with a rule of `con_words`.
    Pair { ad: RuleId, contact: RuleId },
}

impl Hit {
    /// Returns the rules whose hits are counted.
    pub fn rules(self) -> impl Iterator<Item = RuleId> {
        let (first, second) = match self {
            Self::Single(rule) => (rule, None),
            Self::Pair { ad, contact } => (ad, Some(contact)),
        };
        std::iter::once(first).chain(second)
    }
}

/// The result of [`Rules::search`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResult {
    pub hit: Option<Hit>,
    /// The rules that were skipped because they reached their step limit or the budget was spent. Sorted, without
    /// duplicates.
    pub over_limit: Vec<RuleId>,
}

/// The compiled rules of all lists.
#[derive(Debug)]
pub struct Rules {
    lists: BTreeMap<WordList, Vec<(RuleId, Pattern)>>,
    zh_cn: bool,
}

impl Rules {
    /// Compiles the lists, and returns the rules that cannot be compiled.
    ///
    /// With `zh_cn`, Traditional Chinese characters count as Simplified ones, in the rules and in the names.
    #[must_use]
    pub fn compile(
        lists: &BTreeMap<WordList, Vec<String>>,
        zh_cn: bool,
    ) -> (Self, Vec<InvalidRule>) {
        let options = Options {
            flags: FLAGS,
            text_folding: zh_cn.then_some(hanzi::simplified_forms),
        };
        let mut invalid = Vec::new();
        let mut compiled = BTreeMap::new();
        for (&list, rules) in lists {
            let mut patterns = Vec::with_capacity(rules.len());
            for (index, rule) in rules.iter().enumerate() {
                let id = RuleId { list, index };
                match Pattern::compile(rule, options) {
                    Ok(pattern) => patterns.push((id, pattern)),
                    Err(reason) => invalid.push(InvalidRule { rule: id, reason }),
                }
            }
            compiled.insert(list, patterns);
        }
        let rules = Self {
            lists: compiled,
            zh_cn,
        };
        (rules, invalid)
    }

    /// Searches a display name, and a bio if there is one, for the first hit.
    ///
    /// A name hits by `nm_words`, `bio_words` or `ban_words`, or by `ad_words` and `con_words` together. A bio hits
    /// likewise, but NOSPAM does not apply `nm_words` to bios.
    #[must_use]
    pub fn search(&self, name: &str, bio: Option<&str>) -> SearchResult {
        let mut search = Search {
            rules: self,
            budget: StepBudget::default(),
            over_limit: Vec::new(),
        };
        let hit = search
            .text(name, &[WordList::Nm, WordList::Bio, WordList::Ban])
            .or_else(|| search.text(bio?, &[WordList::Bio, WordList::Ban]));
        let mut over_limit = search.over_limit;
        over_limit.sort_unstable();
        over_limit.dedup();
        SearchResult { hit, over_limit }
    }
}

/// The state of one [`Rules::search`].
struct Search<'a> {
    rules: &'a Rules,
    budget: StepBudget,
    over_limit: Vec<RuleId>,
}

impl Search<'_> {
    fn text(&mut self, text: &str, single: &[WordList]) -> Option<Hit> {
        let forms = text::forms(text, self.rules.zh_cn);
        for &list in single {
            if let Some(rule) = self.list(list, &forms) {
                return Some(Hit::Single(rule));
            }
        }
        let ad = self.list(WordList::Ad, &forms)?;
        let contact = self.list(WordList::Con, &forms)?;
        Some(Hit::Pair { ad, contact })
    }

    /// Finds the first rule of a list that matches a form of the text.
    ///
    /// A rule that a quick match does not decide waits until every other rule of the list had its quick match, so that
    /// an expensive rule does not use up their budget.
    fn list(&mut self, list: WordList, forms: &[Text]) -> Option<RuleId> {
        let patterns = self.rules.lists.get(&list)?;
        let mut undecided = Vec::new();
        for form in forms {
            for (rule, pattern) in patterns {
                match pattern.quick_match(form, &mut self.budget) {
                    Ok(true) => return Some(*rule),
                    Ok(false) => {}
                    Err(StepLimitExceeded) => undecided.push((*rule, pattern, form)),
                }
            }
        }
        for (rule, pattern, form) in undecided {
            match pattern.is_match(form, &mut self.budget) {
                Ok(true) => return Some(rule),
                Ok(false) => {}
                Err(StepLimitExceeded) => self.over_limit.push(rule),
            }
        }
        None
    }
}
