//! Names, and the opcodes that use them. This module keeps a pickle from importing or calling anything.
//!
//! A name is compared with the few that are known, and becomes a marker on the stack. The markers for sets can be
//! "called" with a list; the marker for an image class becomes an image that has a state and nothing else.

use super::Unpickler;
use crate::pickle::error::PickleError;
use crate::pickle::heap::{Global, Node};

/// The limit for the bytes of a module and a name that are compared or shown.
const MAX_NAME: usize = 80;

impl Unpickler<'_> {
    /// Returns the marker for a name, or refuses the name.
    pub(super) fn resolve(&mut self, module: &[u8], name: &[u8]) -> Result<Global, PickleError> {
        let is_builtin = matches!(module, b"builtins" | b"__builtin__");
        match name {
            b"set" if is_builtin => return Ok(Global::Set),
            b"frozenset" if is_builtin => return Ok(Global::FrozenSet),
            _ => {}
        }
        let full = printable(module, name);
        if is_image_class(module, name) {
            self.heap.set_image_class(full);
            return Ok(Global::ImageClass);
        }
        Err(PickleError::Refused { name: full })
    }

    /// Executes `REDUCE`, a call. The only calls that are understood make a set or frozenset of one list or of nothing.
    pub(super) fn reduce(&mut self, at: usize) -> Result<(), PickleError> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Node::Tuple(arguments) = self.heap.node(arguments) else {
            return Err(self.malformed("the arguments of a call are not a tuple"));
        };
        let members = match arguments[..] {
            [] => Vec::new(),
            [members] => match self.heap.node(members) {
                Node::List(members) | Node::Tuple(members) => members.clone(),
                _ => return Err(self.malformed("the argument of a set is not a list")),
            },
            _ => return Err(self.malformed("a set has more than one argument")),
        };
        // A list can be memoized and used again and again: every copy counts.
        self.spend(members.len())?;
        match self.heap.node(callable) {
            Node::Global(Global::Set) => self.push(Node::Set(members)),
            Node::Global(Global::FrozenSet) => self.push(Node::FrozenSet(members)),
            Node::Global(Global::ImageClass) => not_data("calls an image class", at),
            _ => Err(self.malformed("the callee of a call is not a name")),
        }
    }

    /// Executes `NEWOBJ`, which may make an image without a state.
    pub(super) fn new_object(&mut self, at: usize) -> Result<(), PickleError> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        match (self.heap.node(class), self.heap.node(arguments)) {
            (Node::Global(Global::ImageClass), Node::Tuple(arguments)) if arguments.is_empty() => {
                self.push(Node::Image(None))
            }
            _ => not_data("makes an object", at),
        }
    }

    /// Executes `BUILD`, which may set the state of an image once.
    pub(super) fn set_state(&mut self, at: usize) -> Result<(), PickleError> {
        let state = self.pop()?;
        let object = self.top()?;
        match self.heap.node_mut(object) {
            Node::Image(known @ None) => {
                *known = Some(state);
                Ok(())
            }
            _ => not_data("sets the state of an object", at),
        }
    }
}

/// Returns true if `Image.open` or `Image.new` return objects of this class.
fn is_image_class(module: &[u8], name: &[u8]) -> bool {
    // A hostile pickle could have a longer name copied again and again.
    if module.len() + name.len() > MAX_NAME {
        return false;
    }
    let is_opened = module.starts_with(b"PIL.")
        && module.ends_with(b"ImagePlugin")
        && name.ends_with(b"ImageFile");
    is_opened || (module, name) == (b"PIL.Image", b"Image")
}

fn printable(module: &[u8], name: &[u8]) -> String {
    let head = |bytes: &[u8]| {
        bytes[..bytes.len().min(MAX_NAME)]
            .escape_ascii()
            .to_string()
    };
    let ellipsis = if module.len().max(name.len()) > MAX_NAME {
        "…"
    } else {
        ""
    };
    format!("{}.{}{ellipsis}", head(module), head(name))
}

pub(super) fn not_data<T>(action: &'static str, at: usize) -> Result<T, PickleError> {
    Err(PickleError::NotData { action, at })
}
