//! Names, and the instructions that do something with them: the room that keeps reading from running anything.
//!
//! A name is compared with the few that are known and becomes a mark on the stack. Sets are made of the marks for
//! sets; the mark for an image class becomes an object that has a state and nothing else.

use super::Machine;
use crate::pickle::fault::PickleFault;
use crate::pickle::heap::{Name, Node};

/// The most bytes of a name that are looked at, or shown.
const LONGEST: usize = 80;

impl Machine<'_> {
    /// Tells whether a name may be used; this is all that is ever done with one.
    pub(super) fn named(&mut self, module: &[u8], name: &[u8]) -> Result<Name, PickleFault> {
        let builtin = matches!(module, b"builtins" | b"__builtin__");
        match name {
            b"set" if builtin => return Ok(Name::Set),
            b"frozenset" if builtin => return Ok(Name::FrozenSet),
            _ => {}
        }
        let full = printable(module, name);
        if is_image_class(module, name) {
            self.heap.note_image_class(full);
            return Ok(Name::Image);
        }
        Err(PickleFault::Refused { name: full })
    }

    /// `REDUCE`: the one call that is understood is that of `set` or `frozenset`, with one list or with nothing.
    pub(super) fn call(&mut self, at: usize) -> Result<(), PickleFault> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Node::Tuple(arguments) = self.heap.node(arguments) else {
            return Err(self.malformed("the arguments of a call are no tuple"));
        };
        let members = match arguments[..] {
            [] => Vec::new(),
            [members] => match self.heap.node(members) {
                Node::List(members) | Node::Tuple(members) => members.clone(),
                _ => return Err(self.malformed("a set is made of no list")),
            },
            _ => return Err(self.malformed("a set is made of more than a list")),
        };
        // A list can be recalled again and again: each copy counts.
        self.spend(members.len())?;
        match self.heap.node(callable) {
            Node::Name(Name::Set) => self.push(Node::Set(members)),
            Node::Name(Name::FrozenSet) => self.push(Node::FrozenSet(members)),
            Node::Name(Name::Image) => not_data("calls an image class", at),
            _ => Err(self.malformed("it calls what is no name")),
        }
    }

    /// `NEWOBJ`: an image without a state.
    pub(super) fn make_object(&mut self, at: usize) -> Result<(), PickleFault> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        match (self.heap.node(class), self.heap.node(arguments)) {
            (Node::Name(Name::Image), Node::Tuple(arguments)) if arguments.is_empty() => {
                self.push(Node::Object(None))
            }
            _ => not_data("makes an object", at),
        }
    }

    /// `BUILD`: the state of an image.
    pub(super) fn set_state(&mut self, at: usize) -> Result<(), PickleFault> {
        let state = self.pop()?;
        let object = self.top()?;
        match self.heap.node_mut(object) {
            Node::Object(known @ None) => {
                *known = Some(state);
                Ok(())
            }
            _ => not_data("sets the state of an object", at),
        }
    }
}

/// Whether `Image.open` or `Image.new` give objects of this class.
fn is_image_class(module: &[u8], name: &[u8]) -> bool {
    // A longer one would be copied as often as a hostile pickle likes to name it.
    if module.len() + name.len() > LONGEST {
        return false;
    }
    let opened = module.starts_with(b"PIL.")
        && module.ends_with(b"ImagePlugin")
        && name.ends_with(b"ImageFile");
    opened || (module, name) == (b"PIL.Image", b"Image")
}

fn printable(module: &[u8], name: &[u8]) -> String {
    let head = |bytes: &[u8]| bytes[..bytes.len().min(LONGEST)].escape_ascii().to_string();
    let cut = if module.len().max(name.len()) > LONGEST {
        "…"
    } else {
        ""
    };
    format!("{}.{}{cut}", head(module), head(name))
}

/// Refuses what only pickles of objects do.
pub(super) fn not_data<T>(what: &'static str, at: usize) -> Result<T, PickleFault> {
    Err(PickleFault::NotData { what, at })
}
