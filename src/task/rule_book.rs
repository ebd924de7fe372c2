//! The current rules: the rule lists of the store, compiled once per version.
//!
//! A list that is replaced gets a new version in its transaction. The rules are compiled after that commit, outside of
//! any transaction; a decision that comes first compiles them itself, so it never uses an old version.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Database, TaskError};
use crate::model::{User, WordList};
use crate::rules::{Hit, RuleId, Rules};
use crate::store::{ReadTx, StoreError, Tx};

/// Every rule list, its patterns in their order.
type RuleLists = BTreeMap<WordList, Vec<String>>;

/// The current rules. Cheap to clone; all clones are one book.
#[derive(Clone, Debug)]
pub struct RuleBook {
    current: Arc<RwLock<Arc<CompiledRules>>>,
    /// Traditional Chinese is folded before a match.
    zh_cn: bool,
}

/// One version of the rules.
#[derive(Debug, Default)]
pub(super) struct CompiledRules {
    /// The version and its rules; `None` before the first are compiled.
    rules: Option<(u64, Rules)>,
    /// The patterns under which hits are counted.
    lists: RuleLists,
}

/// A rule that a name or a bio hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleHit {
    pub(super) list: WordList,
    pub(super) pattern: String,
}

impl RuleBook {
    #[must_use]
    pub fn new(zh_cn: bool) -> Self {
        Self {
            current: Arc::default(),
            zh_cn,
        }
    }

    /// Compiles the rules of the store if they have another version than the current ones.
    ///
    /// # Errors
    /// See [`TaskError`].
    pub async fn reload(&self, database: &Database) -> Result<(), TaskError> {
        let current = self.current();
        let changed = database
            .read(|tx| {
                let version = tx.rules_version()?;
                if current.is_version(version) {
                    return Ok(None);
                }
                Ok(Some((version, rule_lists(tx)?)))
            })
            .await?;
        if let Some((version, lists)) = changed {
            tokio::task::block_in_place(|| self.compile(version, lists));
        }
        Ok(())
    }

    /// Returns the rules as the transaction sees them, compiled here if that version was not compiled before.
    pub(super) fn rules_at(&self, tx: &Tx<'_>) -> Result<Arc<CompiledRules>, StoreError> {
        let version = tx.rules_version()?;
        let current = self.current();
        if current.is_version(version) {
            return Ok(current);
        }
        Ok(self.compile(version, rule_lists(tx)?))
    }

    /// Reports whether there is any rule.
    pub(super) fn has_rules(&self) -> bool {
        self.current().lists.values().any(|rules| !rules.is_empty())
    }

    fn current(&self) -> Arc<CompiledRules> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn compile(&self, version: u64, lists: RuleLists) -> Arc<CompiledRules> {
        let (rules, refused) = Rules::compile(&lists, self.zh_cn);
        for refused in refused {
            tracing::warn!("a rule is skipped: {refused}");
        }
        let rules = Some((version, rules));
        let compiled = Arc::new(CompiledRules { rules, lists });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = compiled.clone();
        compiled
    }
}

impl CompiledRules {
    fn is_version(&self, version: u64) -> bool {
        self.rules.as_ref().is_some_and(|(own, _)| *own == version)
    }

    /// Returns the rules that a user's name or bio hits, each of which counts one hit.
    pub(super) fn hits(&self, user: &User, bio: Option<&str>) -> Vec<RuleHit> {
        let Some((_, rules)) = &self.rules else {
            return Vec::new();
        };
        let result = rules.search(&user.name, bio);
        for rule in &result.over_limit {
            tracing::warn!("a rule ran past its limit of steps and was skipped: {rule}");
        }
        let hits = result.hit.into_iter().flat_map(Hit::rules);
        hits.filter_map(|rule| self.hit_of(rule)).collect()
    }

    fn hit_of(&self, rule: RuleId) -> Option<RuleHit> {
        let pattern = self.lists.get(&rule.list)?.get(rule.index)?.clone();
        Some(RuleHit {
            list: rule.list,
            pattern,
        })
    }
}

fn rule_lists(tx: &ReadTx<'_>) -> Result<RuleLists, StoreError> {
    let mut lists = RuleLists::new();
    for list in WordList::ALL {
        let rules = tx.rules(list)?;
        lists.insert(list, rules.into_iter().map(|(rule, _)| rule).collect());
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fixture::{Fixture, JOINER, user};

    fn named(name: &str) -> User {
        User {
            name: name.into(),
            ..user(JOINER, Some(7))
        }
    }

    #[test]
    fn a_decision_uses_the_rules_of_its_transaction() {
        let fixture = Fixture::new();
        let book = &fixture.rule_book;
        let spammer = named("cheap pills");
        fixture.write(|tx| {
            assert!(book.rules_at(tx)?.hits(&spammer, None).is_empty());
            tx.replace_rules(WordList::Nm, &[("pills".into(), 0)], true)?;
            let hits = book.rules_at(tx)?.hits(&spammer, None);
            assert_eq!(hits.len(), 1);
            assert_eq!((hits[0].list, &*hits[0].pattern), (WordList::Nm, "pills"));
            Ok(())
        });
        assert!(book.has_rules());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_version_is_compiled_once() {
        let fixture = Fixture::new();
        let book = &fixture.rule_book;
        book.reload(&fixture.database).await.expect("compiled");
        let first = book.current();
        book.reload(&fixture.database).await.expect("compiled");
        assert!(Arc::ptr_eq(&first, &book.current()));
        fixture.write(|tx| tx.replace_rules(WordList::Bio, &[("a".into(), 0)], true));
        book.reload(&fixture.database).await.expect("compiled");
        assert!(!Arc::ptr_eq(&first, &book.current()));
        let second = book.current();
        fixture.write(|tx| {
            assert!(Arc::ptr_eq(&second, &book.rules_at(tx)?));
            Ok(())
        });
    }
}
