//! The stack with its marks, the memo, and the count of steps.

use super::Machine;
use crate::pickle::MOST_VALUES;
use crate::pickle::fault::PickleFault;
use crate::pickle::heap::{Id, Node};
use crate::pickle::input::Input;
use crate::pickle::{literal, opcode as op};

impl<'a> Machine<'a> {
    pub(super) fn push(&mut self, node: Node<'a>) -> Result<(), PickleFault> {
        let id = self.heap.add(node);
        self.push_again(id)
    }

    pub(super) fn push_again(&mut self, id: Id) -> Result<(), PickleFault> {
        self.step()?;
        self.stack.push(id);
        Ok(())
    }

    /// Takes a piece of the input, reads it, and pushes the value.
    pub(super) fn push_with<T>(
        &mut self,
        piece: impl FnOnce(&mut Input<'a>) -> Result<&'a [u8], PickleFault>,
        read: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
        node: impl FnOnce(T) -> Node<'a>,
    ) -> Result<(), PickleFault> {
        let value = self.literal(piece, read)?;
        self.push(node(value))
    }

    pub(super) fn literal<T>(
        &mut self,
        piece: impl FnOnce(&mut Input<'a>) -> Result<&'a [u8], PickleFault>,
        read: impl FnOnce(&'a [u8]) -> Result<T, &'static str>,
    ) -> Result<T, PickleFault> {
        let at = self.input.at();
        read(piece(&mut self.input)?).map_err(|what| PickleFault::Malformed { what, at })
    }

    pub(super) fn push_tuple(&mut self, length: usize) -> Result<(), PickleFault> {
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

    pub(super) fn push_pairs(&mut self, members: Vec<Id>) -> Result<(), PickleFault> {
        if members.len().is_multiple_of(2) {
            self.push(Node::Dict(members))
        } else {
            Err(self.malformed("a key has no value"))
        }
    }

    pub(super) fn collect(
        &mut self,
        node: impl FnOnce(Vec<Id>) -> Node<'a>,
    ) -> Result<(), PickleFault> {
        let members = self.pop_to_mark()?;
        self.push(node(members))
    }

    /// Adds members to the list, set or dict on top, as `opcode` asks for it.
    pub(super) fn extend(&mut self, members: &[Id], opcode: u8) -> Result<(), PickleFault> {
        let top = self.top()?;
        match (opcode, self.heap.node_mut(top)) {
            (op::APPENDS, Node::List(present)) | (op::ADDITEMS, Node::Set(present)) => {
                present.extend_from_slice(members);
                Ok(())
            }
            (op::SETITEMS, Node::Dict(present)) if members.len().is_multiple_of(2) => {
                present.extend_from_slice(members);
                Ok(())
            }
            _ => Err(self.malformed("members are added to what cannot have them")),
        }
    }

    pub(super) fn memoize(&mut self, index: u32) -> Result<(), PickleFault> {
        let top = self.top()?;
        self.step()?;
        self.memo.insert(index, top);
        Ok(())
    }

    pub(super) fn recall(&mut self, index: u32) -> Result<(), PickleFault> {
        match self.memo.get(&index) {
            Some(&id) => self.push_again(id),
            None => Err(self.malformed("it refers to a value that was not kept")),
        }
    }

    /// Below this height the stack belongs to what surrounds the last mark.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<Id, PickleFault> {
        match self.stack.last() {
            Some(&id) if self.stack.len() > self.floor() => Ok(id),
            _ => Err(self.malformed("a value is missing")),
        }
    }

    pub(super) fn pop(&mut self) -> Result<Id, PickleFault> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    pub(super) fn pop_to_mark(&mut self) -> Result<Vec<Id>, PickleFault> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => Err(self.malformed("a mark is missing")),
        }
    }

    pub(super) fn step(&mut self) -> Result<(), PickleFault> {
        self.spend(1)
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), PickleFault> {
        self.steps += steps;
        if self.steps > MOST_VALUES {
            return Err(PickleFault::TooLarge);
        }
        Ok(())
    }

    pub(super) fn malformed(&self, what: &'static str) -> PickleFault {
        self.input.malformed(what)
    }
}

/// The number of a kept value, as the oldest protocols spell it.
pub(super) fn memo_index(line: &[u8]) -> Result<u32, &'static str> {
    literal::long(line)
        .ok()
        .and_then(|index| index.try_into().ok())
        .ok_or("the number of a kept value is none")
}
