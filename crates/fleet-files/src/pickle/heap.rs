//! What a pickle's instructions have put together: values that may be shared, and even hold themselves.
//!
//! Here they are turned into plain trees. A shared value is copied as often as it occurs, so the copies are counted
//! against the limits: a few bytes can ask for more of them than there is memory.

use std::borrow::Cow;

use super::fault::PickleFault;
use super::value::Value;
use super::{Content, DEEPEST, LARGEST, MOST_VALUES};

/// A value's place in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(u32);

/// A value whose parts lie elsewhere in the heap.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Bytes(&'a [u8]),
    Str(Cow<'a, str>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Set(Vec<Id>),
    FrozenSet(Vec<Id>),
    /// Key, value, key, value.
    Dict(Vec<Id>),
    /// A name, as long as nothing was made of it.
    Name(Name),
    /// An object of one of Pillow's image classes, and its state once that is known.
    Object(Option<Id>),
}

/// The names that do not refuse a pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Set,
    FrozenSet,
    /// One of Pillow's image classes.
    Image,
}

/// All values of a pickle.
pub(super) struct Heap<'a> {
    nodes: Vec<Node<'a>>,
    /// The value that the pickle stands for.
    root: Id,
    /// The first image class that was named.
    image_class: Option<String>,
}

impl<'a> Heap<'a> {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            root: Id(0),
            image_class: None,
        }
    }

    /// Puts a value in. The machine counts its steps, so that there are never 2^32 of them.
    pub(super) fn add(&mut self, node: Node<'a>) -> Id {
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    pub(super) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn node_mut(&mut self, id: Id) -> &mut Node<'a> {
        &mut self.nodes[id.0 as usize]
    }

    pub(super) fn note_image_class(&mut self, name: String) {
        self.image_class.get_or_insert(name);
    }

    pub(super) fn with_root(self, root: Id) -> Self {
        Self { root, ..self }
    }

    /// What the pickle stands for.
    pub(super) fn content(self) -> Result<Content, PickleFault> {
        if let &Node::Object(state) = self.node(self.root) {
            self.photo(state).map(Content::Photo)
        } else {
            self.data().map(Content::Data)
        }
    }

    fn data(self) -> Result<Value, PickleFault> {
        if let Some(name) = self.image_class {
            return Err(PickleFault::Refused { name });
        }
        let mut copier = Copier {
            heap: &self,
            values: 0,
            bytes: 0,
        };
        copier.copy(self.root, DEEPEST)
    }
}

/// Copies values out of a heap, within the limits.
struct Copier<'h, 'a> {
    heap: &'h Heap<'a>,
    values: usize,
    bytes: usize,
}

impl Copier<'_, '_> {
    fn copy(&mut self, id: Id, levels: usize) -> Result<Value, PickleFault> {
        let heap = self.heap;
        Ok(match heap.node(id) {
            Node::None => Value::None,
            Node::Bool(truth) => Value::Bool(*truth),
            Node::Int(number) => Value::Int(*number),
            Node::Float(number) => Value::Float(*number),
            Node::Bytes(bytes) => {
                self.count(bytes.len())?;
                Value::Bytes(bytes.to_vec())
            }
            Node::Str(text) => {
                self.count(text.len())?;
                Value::Str(text.clone().into_owned())
            }
            Node::List(members) => Value::List(self.copy_all(members, levels)?),
            Node::Tuple(members) => Value::Tuple(self.copy_all(members, levels)?),
            Node::Set(members) => Value::Set(self.copy_hashable(members, levels)?),
            Node::FrozenSet(members) => Value::FrozenSet(self.copy_hashable(members, levels)?),
            Node::Dict(members) => Value::Dict(self.copy_pairs(members, levels)?),
            Node::Name(name) => {
                let name = match name {
                    Name::Set => "set as a value",
                    Name::FrozenSet => "frozenset as a value",
                    Name::Image => "an image class as a value",
                };
                return Err(PickleFault::Refused { name: name.into() });
            }
            Node::Object(_) => {
                return Err(PickleFault::Refused {
                    name: "an image class as a part of data".into(),
                });
            }
        })
    }

    fn copy_all(&mut self, members: &[Id], levels: usize) -> Result<Vec<Value>, PickleFault> {
        let levels = self.enter(members, levels)?;
        let mut values = Vec::with_capacity(members.len());
        for &member in members {
            values.push(self.copy(member, levels)?);
        }
        Ok(values)
    }

    fn copy_hashable(&mut self, members: &[Id], levels: usize) -> Result<Vec<Value>, PickleFault> {
        let members = self.copy_all(members, levels)?;
        if members.iter().all(Value::is_hashable) {
            Ok(members)
        } else {
            Err(PickleFault::Unhashable)
        }
    }

    fn copy_pairs(
        &mut self,
        members: &[Id],
        levels: usize,
    ) -> Result<Vec<(Value, Value)>, PickleFault> {
        let levels = self.enter(members, levels)?;
        let (pairs, _) = members.as_chunks();
        let mut values = Vec::with_capacity(pairs.len());
        for &[key, value] in pairs {
            let key = self.copy(key, levels)?;
            if !key.is_hashable() {
                return Err(PickleFault::Unhashable);
            }
            values.push((key, self.copy(value, levels)?));
        }
        Ok(values)
    }

    /// Goes one level down. Members are counted before there is room made for them: a list that holds itself would
    /// otherwise get that room on every level.
    fn enter(&mut self, members: &[Id], levels: usize) -> Result<usize, PickleFault> {
        self.values += members.len();
        if self.values > MOST_VALUES {
            return Err(PickleFault::TooLarge);
        }
        levels.checked_sub(1).ok_or(PickleFault::TooDeep)
    }

    fn count(&mut self, bytes: usize) -> Result<(), PickleFault> {
        self.bytes += bytes;
        if self.bytes > LARGEST {
            return Err(PickleFault::TooLarge);
        }
        Ok(())
    }
}
