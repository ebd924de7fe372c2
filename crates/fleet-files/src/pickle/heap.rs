//! The values that the opcodes have built. They may be shared, and even contain themselves.
//!
//! [`Heap::content`] turns them into plain trees. A shared value is copied as often as it occurs, so the copies are
//! counted against the limits: a pickle of a few bytes can ask for more copies than fit in memory.

use std::borrow::Cow;

use super::error::PickleError;
use super::py_value::PyValue;
use super::{MAX_BYTES, MAX_DEPTH, MAX_VALUES, Unpickled};

/// The index of a value in the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(u32);

/// A value whose members are elsewhere in the heap.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Bytes(&'a [u8]),
    Str(Cow<'a, str>),
    List(Vec<NodeId>),
    Tuple(Vec<NodeId>),
    Set(Vec<NodeId>),
    FrozenSet(Vec<NodeId>),
    /// Key, value, key, value.
    Dict(Vec<NodeId>),
    /// A name that was not used yet.
    Global(Global),
    /// An object of one of Pillow's image classes, with its state once that was set.
    Image(Option<NodeId>),
}

/// The names that do not refuse a pickle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    Set,
    FrozenSet,
    /// One of Pillow's image classes.
    ImageClass,
}

/// All values of a pickle.
pub(super) struct Heap<'a> {
    nodes: Vec<Node<'a>>,
    /// The value that the pickle represents.
    root: NodeId,
    /// The name of the first image class in the pickle.
    image_class: Option<String>,
}

impl<'a> Heap<'a> {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            root: NodeId(0),
            image_class: None,
        }
    }

    /// Adds a value. The unpickler counts its steps, so that there are never 2^32 values.
    pub(super) fn add(&mut self, node: Node<'a>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    pub(super) fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> &mut Node<'a> {
        &mut self.nodes[id.0 as usize]
    }

    pub(super) fn set_image_class(&mut self, name: String) {
        self.image_class.get_or_insert(name);
    }

    pub(super) fn with_root(self, root: NodeId) -> Self {
        Self { root, ..self }
    }

    /// Returns the photo or the data that the pickle represents.
    pub(super) fn content(self) -> Result<Unpickled, PickleError> {
        if let &Node::Image(state) = self.node(self.root) {
            self.photo(state).map(Unpickled::Photo)
        } else {
            self.data().map(Unpickled::Data)
        }
    }

    fn data(self) -> Result<PyValue, PickleError> {
        if let Some(name) = self.image_class {
            return Err(PickleError::Refused { name });
        }
        let mut copier = Copier {
            heap: &self,
            values: 0,
            bytes: 0,
        };
        copier.copy(self.root, MAX_DEPTH)
    }
}

/// Copies values out of a heap, within the limits.
struct Copier<'h, 'a> {
    heap: &'h Heap<'a>,
    values: usize,
    bytes: usize,
}

impl Copier<'_, '_> {
    fn copy(&mut self, id: NodeId, levels: usize) -> Result<PyValue, PickleError> {
        let heap = self.heap;
        Ok(match heap.node(id) {
            Node::None => PyValue::None,
            Node::Bool(truth) => PyValue::Bool(*truth),
            Node::Int(number) => PyValue::Int(*number),
            Node::Float(number) => PyValue::Float(*number),
            Node::Bytes(bytes) => {
                self.count(bytes.len())?;
                PyValue::Bytes(bytes.to_vec())
            }
            Node::Str(text) => {
                self.count(text.len())?;
                PyValue::Str(text.clone().into_owned())
            }
            Node::List(members) => PyValue::List(self.copy_members(members, levels)?),
            Node::Tuple(members) => PyValue::Tuple(self.copy_members(members, levels)?),
            Node::Set(members) => PyValue::Set(self.copy_hashable(members, levels)?),
            Node::FrozenSet(members) => PyValue::FrozenSet(self.copy_hashable(members, levels)?),
            Node::Dict(members) => PyValue::Dict(self.copy_pairs(members, levels)?),
            Node::Global(global) => {
                let name = match global {
                    Global::Set => "set as a value",
                    Global::FrozenSet => "frozenset as a value",
                    Global::ImageClass => "an image class as a value",
                };
                return Err(PickleError::Refused { name: name.into() });
            }
            Node::Image(_) => {
                return Err(PickleError::Refused {
                    name: "an image class as a part of data".into(),
                });
            }
        })
    }

    fn copy_members(
        &mut self,
        members: &[NodeId],
        levels: usize,
    ) -> Result<Vec<PyValue>, PickleError> {
        let levels = self.descend(members, levels)?;
        let mut values = Vec::with_capacity(members.len());
        for &member in members {
            values.push(self.copy(member, levels)?);
        }
        Ok(values)
    }

    fn copy_hashable(
        &mut self,
        members: &[NodeId],
        levels: usize,
    ) -> Result<Vec<PyValue>, PickleError> {
        let members = self.copy_members(members, levels)?;
        if members.iter().all(PyValue::is_hashable) {
            Ok(members)
        } else {
            Err(PickleError::Unhashable)
        }
    }

    fn copy_pairs(
        &mut self,
        members: &[NodeId],
        levels: usize,
    ) -> Result<Vec<(PyValue, PyValue)>, PickleError> {
        let levels = self.descend(members, levels)?;
        let (pairs, _) = members.as_chunks();
        let mut values = Vec::with_capacity(pairs.len());
        for &[key, value] in pairs {
            let key = self.copy(key, levels)?;
            if !key.is_hashable() {
                return Err(PickleError::Unhashable);
            }
            values.push((key, self.copy(value, levels)?));
        }
        Ok(values)
    }

    /// Goes one level down. The members are counted before memory is reserved for them: otherwise a list that contains
    /// itself would get that memory on every level.
    fn descend(&mut self, members: &[NodeId], levels: usize) -> Result<usize, PickleError> {
        self.values += members.len();
        if self.values > MAX_VALUES {
            return Err(PickleError::TooLarge);
        }
        levels.checked_sub(1).ok_or(PickleError::TooDeep)
    }

    fn count(&mut self, bytes: usize) -> Result<(), PickleError> {
        self.bytes += bytes;
        if self.bytes > MAX_BYTES {
            return Err(PickleError::TooLarge);
        }
        Ok(())
    }
}
