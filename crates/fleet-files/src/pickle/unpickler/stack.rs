//! The stack with its marks, the memo, and the count of steps.

use super::Unpickler;
use crate::pickle::MAX_VALUES;
use crate::pickle::error::PickleError;
use crate::pickle::heap::{Node, NodeId};
use crate::pickle::input::Input;
use crate::pickle::literals;
use crate::pickle::opcode::Opcode;

impl<'a> Unpickler<'a> {
    pub(super) fn push(&mut self, node: Node<'a>) -> Result<(), PickleError> {
        let id = self.heap.add(node);
        self.push_id(id)
    }

    /// Pushes a value that is in the heap already.
    pub(super) fn push_id(&mut self, id: NodeId) -> Result<(), PickleError> {
        self.step()?;
        self.stack.push(id);
        Ok(())
    }

    /// Reads a literal and pushes it as a node.
    pub(super) fn push_literal<T>(
        &mut self,
        take: impl FnOnce(&mut Input<'a>) -> Result<&'a [u8], PickleError>,
        parse: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
        node: impl FnOnce(T) -> Node<'a>,
    ) -> Result<(), PickleError> {
        let value = self.literal(take, parse)?;
        self.push(node(value))
    }

    /// Takes a piece of the input and parses it.
    pub(super) fn literal<T>(
        &mut self,
        take: impl FnOnce(&mut Input<'a>) -> Result<&'a [u8], PickleError>,
        parse: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
    ) -> Result<T, PickleError> {
        let at = self.input.position();
        parse(take(&mut self.input)?).map_err(|reason| PickleError::Malformed { reason, at })
    }

    pub(super) fn push_tuple(&mut self, length: usize) -> Result<(), PickleError> {
        let Some(start) = self
            .stack
            .len()
            .checked_sub(length)
            .filter(|&start| start >= self.floor())
        else {
            return Err(self.malformed("a tuple lacks members"));
        };
        let members = self.stack.split_off(start);
        self.push(Node::Tuple(members))
    }

    pub(super) fn push_pairs(&mut self, members: Vec<NodeId>) -> Result<(), PickleError> {
        if members.len().is_multiple_of(2) {
            self.push(Node::Dict(members))
        } else {
            Err(self.malformed("a key has no value"))
        }
    }

    /// Replaces the values above the last mark by one value that contains them.
    pub(super) fn collect(
        &mut self,
        node: impl FnOnce(Vec<NodeId>) -> Node<'a>,
    ) -> Result<(), PickleError> {
        let members = self.pop_to_mark()?;
        self.push(node(members))
    }

    /// Adds members to the list, set or dict on top of the stack, which has to be the kind that `opcode` extends.
    pub(super) fn extend(&mut self, members: &[NodeId], opcode: Opcode) -> Result<(), PickleError> {
        let top = self.top()?;
        match (opcode, self.heap.node_mut(top)) {
            (Opcode::Appends, Node::List(present)) | (Opcode::AddItems, Node::Set(present)) => {
                present.extend_from_slice(members);
                Ok(())
            }
            (Opcode::SetItems, Node::Dict(present)) if members.len().is_multiple_of(2) => {
                present.extend_from_slice(members);
                Ok(())
            }
            _ => Err(self.malformed("members are added to a value that cannot have them")),
        }
    }

    pub(super) fn memoize(&mut self, index: u32) -> Result<(), PickleError> {
        let top = self.top()?;
        self.step()?;
        self.memo.insert(index, top);
        Ok(())
    }

    pub(super) fn push_memoized(&mut self, index: u32) -> Result<(), PickleError> {
        match self.memo.get(&index) {
            Some(&id) => self.push_id(id),
            None => Err(self.malformed("a memo entry is missing")),
        }
    }

    /// Returns the height of the stack at the last mark. The values below it are out of reach.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<NodeId, PickleError> {
        match self.stack.last() {
            Some(&id) if self.stack.len() > self.floor() => Ok(id),
            _ => Err(self.malformed("a value is missing")),
        }
    }

    pub(super) fn pop(&mut self) -> Result<NodeId, PickleError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<NodeId>, PickleError> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => Err(self.malformed("a mark is missing")),
        }
    }

    pub(super) fn step(&mut self) -> Result<(), PickleError> {
        self.spend(1)
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), PickleError> {
        self.steps += steps;
        if self.steps > MAX_VALUES {
            return Err(PickleError::TooLarge);
        }
        Ok(())
    }

    pub(super) fn malformed(&self, reason: &'static str) -> PickleError {
        self.input.malformed(reason)
    }
}

/// Parses the index of a memo entry, as protocol 0 writes it.
pub(super) fn memo_index(line: &[u8]) -> Result<u32, &'static str> {
    literals::long(line)
        .ok()
        .and_then(|index| index.try_into().ok())
        .ok_or("the index of a memo entry cannot be parsed")
}
