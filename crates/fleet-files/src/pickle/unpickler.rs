//! The pickle machine: executes the opcodes of a pickle, which build values on a stack.
//!
//! The opcodes mean what Python's `pickletools` documents; the ones that only objects need refuse the pickle. Every
//! push, mark and memo entry is a step, and the number of steps is limited, so that memory stays in proportion to the
//! input whatever a pickle does.

mod globals;
mod stack;

use std::collections::HashMap;

use self::globals::not_data;
use self::stack::memo_index;
use super::MAX_BYTES;
use super::error::PickleError;
use super::heap::{Heap, Node, NodeId};
use super::input::Input;
use super::literals::{self, IntOrBool};
use super::opcode::Opcode;

/// The state of the machine.
pub(super) struct Unpickler<'a> {
    input: Input<'a>,
    heap: Heap<'a>,
    stack: Vec<NodeId>,
    /// The height of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, NodeId>,
    steps: usize,
}

impl<'a> Unpickler<'a> {
    pub(super) fn new(pickle: &'a [u8]) -> Result<Self, PickleError> {
        if pickle.len() > MAX_BYTES {
            return Err(PickleError::TooLarge);
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

    /// Executes all opcodes, and checks that one value is left and no byte follows.
    pub(super) fn run(mut self) -> Result<Heap<'a>, PickleError> {
        loop {
            let at = self.input.position();
            let byte = self.input.byte()?;
            let opcode =
                Opcode::from_repr(byte).ok_or(PickleError::UnknownOpcode { opcode: byte, at })?;
            self.execute(opcode, at)?;
            if opcode == Opcode::Stop {
                break;
            }
        }
        let root = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() {
            return Err(self.malformed("the pickle ends in the middle of a value"));
        }
        if self.input.remaining() > 0 {
            return Err(PickleError::TrailingBytes {
                at: self.input.position(),
            });
        }
        Ok(self.heap.with_root(root))
    }

    fn execute(&mut self, opcode: Opcode, at: usize) -> Result<(), PickleError> {
        match opcode {
            Opcode::Proto => match self.input.byte()? {
                0..=5 => Ok(()),
                protocol => Err(PickleError::UnknownProtocol(protocol)),
            },
            Opcode::Frame => {
                let length = u64::from_le_bytes(self.input.array()?);
                if length > self.input.remaining() as u64 {
                    return Err(PickleError::Truncated);
                }
                Ok(())
            }
            Opcode::Stop => Ok(()),

            Opcode::None => self.push(Node::None),
            Opcode::NewTrue => self.push(Node::Bool(true)),
            Opcode::NewFalse => self.push(Node::Bool(false)),
            Opcode::Int => {
                let node = match self.literal(Input::line, literals::int)? {
                    IntOrBool::Bool(truth) => Node::Bool(truth),
                    IntOrBool::Int(number) => Node::Int(number),
                };
                self.push(node)
            }
            Opcode::Long => self.push_literal(Input::line, literals::long, Node::Int),
            Opcode::Long1 => self.push_literal(Input::counted1, literals::binary_long, Node::Int),
            Opcode::Long4 => self.push_literal(Input::counted4, literals::binary_long, Node::Int),
            Opcode::BinInt => {
                let number = i32::from_le_bytes(self.input.array()?);
                self.push(Node::Int(number.into()))
            }
            Opcode::BinInt1 => {
                let number = self.input.byte()?;
                self.push(Node::Int(number.into()))
            }
            Opcode::BinInt2 => {
                let number = u16::from_le_bytes(self.input.array()?);
                self.push(Node::Int(number.into()))
            }
            Opcode::Float => self.push_literal(Input::line, literals::float, Node::Float),
            Opcode::BinFloat => {
                let number = f64::from_be_bytes(self.input.array()?);
                self.push(Node::Float(number))
            }
            Opcode::String => self.push_literal(Input::line, literals::quoted, Node::Str),
            Opcode::BinString => {
                self.push_literal(Input::counted4, literals::ascii_text, Node::Str)
            }
            Opcode::ShortBinString => {
                self.push_literal(Input::counted1, literals::ascii_text, Node::Str)
            }
            Opcode::Unicode => {
                self.push_literal(Input::line, literals::raw_unicode_escape, Node::Str)
            }
            Opcode::ShortBinUnicode => {
                self.push_literal(Input::counted1, literals::utf8, Node::Str)
            }
            Opcode::BinUnicode => self.push_literal(Input::counted4, literals::utf8, Node::Str),
            Opcode::BinUnicode8 => self.push_literal(Input::counted8, literals::utf8, Node::Str),
            Opcode::ShortBinBytes => self.push_literal(Input::counted1, Ok, Node::Bytes),
            Opcode::BinBytes => self.push_literal(Input::counted4, Ok, Node::Bytes),
            Opcode::BinBytes8 | Opcode::ByteArray8 => {
                self.push_literal(Input::counted8, Ok, Node::Bytes)
            }

            Opcode::EmptyList => self.push(Node::List(Vec::new())),
            Opcode::EmptyTuple => self.push(Node::Tuple(Vec::new())),
            Opcode::EmptyDict => self.push(Node::Dict(Vec::new())),
            Opcode::EmptySet => self.push(Node::Set(Vec::new())),
            Opcode::List => self.collect(Node::List),
            Opcode::Tuple => self.collect(Node::Tuple),
            Opcode::FrozenSet => self.collect(Node::FrozenSet),
            Opcode::Dict => {
                let members = self.pop_to_mark()?;
                self.push_pairs(members)
            }
            Opcode::Tuple1 => self.push_tuple(1),
            Opcode::Tuple2 => self.push_tuple(2),
            Opcode::Tuple3 => self.push_tuple(3),
            Opcode::Append => {
                let member = self.pop()?;
                self.extend(&[member], Opcode::Appends)
            }
            Opcode::SetItem => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.extend(&[key, value], Opcode::SetItems)
            }
            Opcode::Appends | Opcode::SetItems | Opcode::AddItems => {
                let members = self.pop_to_mark()?;
                self.extend(&members, opcode)
            }

            Opcode::Mark => {
                self.step()?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            Opcode::Pop if self.stack.len() > self.floor() => self.pop().map(|_| ()),
            Opcode::Pop | Opcode::PopMark => self.pop_to_mark().map(|_| ()),
            Opcode::Dup => {
                let top = self.top()?;
                self.push_id(top)
            }
            Opcode::Put => {
                let index = self.literal(Input::line, memo_index)?;
                self.memoize(index)
            }
            Opcode::BinPut => {
                let index = self.input.byte()?;
                self.memoize(index.into())
            }
            Opcode::LongBinPut => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.memoize(index)
            }
            Opcode::Memoize => self.memoize(self.memo.len() as u32),
            Opcode::Get => {
                let index = self.literal(Input::line, memo_index)?;
                self.push_memoized(index)
            }
            Opcode::BinGet => {
                let index = self.input.byte()?;
                self.push_memoized(index.into())
            }
            Opcode::LongBinGet => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.push_memoized(index)
            }

            Opcode::Global | Opcode::Inst => {
                let module = self.input.line()?;
                let name = self.input.line()?;
                let global = self.resolve(module, name)?;
                if opcode == Opcode::Inst {
                    return not_data("makes an object", at);
                }
                self.push(Node::Global(global))
            }
            Opcode::StackGlobal => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Node::Str(module), Node::Str(name)) =
                    (self.heap.node(module), self.heap.node(name))
                else {
                    return Err(self.malformed("a name is not a string"));
                };
                let (module, name) = (module.clone(), name.clone());
                let global = self.resolve(module.as_bytes(), name.as_bytes())?;
                self.push(Node::Global(global))
            }
            Opcode::Reduce => self.reduce(at),
            Opcode::NewObj => self.new_object(at),
            Opcode::Build => self.set_state(at),
            Opcode::Obj | Opcode::NewObjEx => not_data("makes an object", at),
            Opcode::PersId | Opcode::BinPersId => {
                not_data("refers to an object outside of the pickle", at)
            }
            Opcode::Ext1 | Opcode::Ext2 | Opcode::Ext4 => {
                not_data("names something by a registered number", at)
            }
            Opcode::NextBuffer | Opcode::ReadonlyBuffer => {
                not_data("refers to a buffer outside of the pickle", at)
            }
        }
    }
}
