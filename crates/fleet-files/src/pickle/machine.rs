//! Runs a pickle's instructions, which build values on a stack.
//!
//! The instructions are those of Python's `pickletools`; what objects alone need refuses the pickle. Every push, mark
//! and memo entry is a step, and steps are limited: memory stays in proportion whatever the instructions say.

mod names;
mod stack;

use std::collections::HashMap;

use self::names::not_data;
use self::stack::memo_index;
use super::fault::PickleFault;
use super::heap::{Heap, Id, Node};
use super::input::Input;
use super::literal::{self, Int};
use super::{LARGEST, opcode as op};

/// A pickle that is being read.
pub(super) struct Machine<'a> {
    input: Input<'a>,
    heap: Heap<'a>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    steps: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(pickle: &'a [u8]) -> Result<Self, PickleFault> {
        if pickle.len() > LARGEST {
            return Err(PickleFault::TooLarge);
        }
        Ok(Self {
            input: Input::new(pickle),
            heap: Heap::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            steps: 0,
        })
    }

    /// Runs to the end, behind which nothing may stand.
    pub(super) fn run(mut self) -> Result<Heap<'a>, PickleFault> {
        loop {
            let at = self.input.at();
            let opcode = self.input.byte()?;
            if opcode == op::STOP {
                break;
            }
            self.instruct(opcode, at)?;
        }
        let root = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() {
            return Err(self.malformed("it ends in the middle of a value"));
        }
        if self.input.left() > 0 {
            return Err(PickleFault::TrailingBytes {
                at: self.input.at(),
            });
        }
        Ok(self.heap.with_root(root))
    }

    fn instruct(&mut self, opcode: u8, at: usize) -> Result<(), PickleFault> {
        match opcode {
            op::PROTO => match self.input.byte()? {
                0..=5 => Ok(()),
                protocol => Err(PickleFault::UnknownProtocol(protocol)),
            },
            op::FRAME => {
                let length = u64::from_le_bytes(self.input.array()?);
                if length > self.input.left() as u64 {
                    return Err(PickleFault::Truncated);
                }
                Ok(())
            }

            op::NONE => self.push(Node::None),
            op::NEWTRUE => self.push(Node::Bool(true)),
            op::NEWFALSE => self.push(Node::Bool(false)),
            op::INT => {
                let node = match self.literal(Input::line, literal::int)? {
                    Int::Bool(truth) => Node::Bool(truth),
                    Int::Int(number) => Node::Int(number),
                };
                self.push(node)
            }
            op::LONG => self.push_with(Input::line, literal::long, Node::Int),
            op::LONG1 => self.push_with(Input::counted1, literal::binary_long, Node::Int),
            op::LONG4 => self.push_with(Input::counted4, literal::binary_long, Node::Int),
            op::BININT => {
                let number = i32::from_le_bytes(self.input.array()?);
                self.push(Node::Int(number.into()))
            }
            op::BININT1 => {
                let number = self.input.byte()?;
                self.push(Node::Int(number.into()))
            }
            op::BININT2 => {
                let number = u16::from_le_bytes(self.input.array()?);
                self.push(Node::Int(number.into()))
            }
            op::FLOAT => self.push_with(Input::line, literal::float, Node::Float),
            op::BINFLOAT => {
                let number = f64::from_be_bytes(self.input.array()?);
                self.push(Node::Float(number))
            }
            op::STRING => self.push_with(Input::line, literal::quoted, Node::Str),
            op::BINSTRING => self.push_with(Input::counted4, literal::ascii_text, Node::Str),
            op::SHORT_BINSTRING => self.push_with(Input::counted1, literal::ascii_text, Node::Str),
            op::UNICODE => self.push_with(Input::line, literal::raw_unicode_escape, Node::Str),
            op::SHORT_BINUNICODE => self.push_with(Input::counted1, literal::utf8, Node::Str),
            op::BINUNICODE => self.push_with(Input::counted4, literal::utf8, Node::Str),
            op::BINUNICODE8 => self.push_with(Input::counted8, literal::utf8, Node::Str),
            op::SHORT_BINBYTES => self.push_with(Input::counted1, Ok, Node::Bytes),
            op::BINBYTES => self.push_with(Input::counted4, Ok, Node::Bytes),
            op::BINBYTES8 | op::BYTEARRAY8 => self.push_with(Input::counted8, Ok, Node::Bytes),

            op::EMPTY_LIST => self.push(Node::List(Vec::new())),
            op::EMPTY_TUPLE => self.push(Node::Tuple(Vec::new())),
            op::EMPTY_DICT => self.push(Node::Dict(Vec::new())),
            op::EMPTY_SET => self.push(Node::Set(Vec::new())),
            op::LIST => self.collect(Node::List),
            op::TUPLE => self.collect(Node::Tuple),
            op::FROZENSET => self.collect(Node::FrozenSet),
            op::DICT => {
                let members = self.pop_to_mark()?;
                self.push_pairs(members)
            }
            op::TUPLE1 => self.push_tuple(1),
            op::TUPLE2 => self.push_tuple(2),
            op::TUPLE3 => self.push_tuple(3),
            op::APPEND => {
                let member = self.pop()?;
                self.extend(&[member], op::APPENDS)
            }
            op::SETITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend(&[key, value], op::SETITEMS)
            }
            op::APPENDS | op::SETITEMS | op::ADDITEMS => {
                let members = self.pop_to_mark()?;
                self.extend(&members, opcode)
            }

            op::MARK => {
                self.step()?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            op::POP if self.stack.len() > self.floor() => self.pop().map(|_| ()),
            op::POP | op::POP_MARK => self.pop_to_mark().map(|_| ()),
            op::DUP => {
                let top = self.top()?;
                self.push_again(top)
            }
            op::PUT => {
                let index = self.literal(Input::line, memo_index)?;
                self.memoize(index)
            }
            op::BINPUT => {
                let index = self.input.byte()?;
                self.memoize(index.into())
            }
            op::LONG_BINPUT => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.memoize(index)
            }
            op::MEMOIZE => self.memoize(self.memo.len() as u32),
            op::GET => {
                let index = self.literal(Input::line, memo_index)?;
                self.recall(index)
            }
            op::BINGET => {
                let index = self.input.byte()?;
                self.recall(index.into())
            }
            op::LONG_BINGET => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.recall(index)
            }

            op::GLOBAL | op::INST => {
                let module = self.input.line()?;
                let name = self.input.line()?;
                let named = self.named(module, name)?;
                if opcode == op::INST {
                    return not_data("makes an object", at);
                }
                self.push(Node::Name(named))
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Node::Str(module), Node::Str(name)) =
                    (self.heap.node(module), self.heap.node(name))
                else {
                    return Err(self.malformed("a name is no text"));
                };
                let (module, name) = (module.clone(), name.clone());
                let named = self.named(module.as_bytes(), name.as_bytes())?;
                self.push(Node::Name(named))
            }
            op::REDUCE => self.call(at),
            op::NEWOBJ => self.make_object(at),
            op::BUILD => self.set_state(at),
            op::OBJ | op::NEWOBJ_EX => not_data("makes an object", at),
            op::PERSID | op::BINPERSID => not_data("refers to an object outside of it", at),
            op::EXT1 | op::EXT2 | op::EXT4 => {
                not_data("names something by a registered number", at)
            }
            op::NEXT_BUFFER | op::READONLY_BUFFER => {
                not_data("refers to a buffer outside of it", at)
            }
            _ => Err(PickleFault::UnknownOpcode { opcode, at }),
        }
    }
}
