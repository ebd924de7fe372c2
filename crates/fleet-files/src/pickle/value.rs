//! Python's plain values.

/// A value of Python's that is nothing but data.
///
/// Sets and dicts keep the order in which they were written. Equality is that of the fields: it sees the order,
/// and tells `1` from `1.0`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An `int`; those of more than 64 bits are refused.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// `bytes`, or a `bytearray`.
    Bytes(Vec<u8>),
    /// A `str`.
    Str(String),
    /// A `list`.
    List(Vec<Self>),
    /// A `tuple`.
    Tuple(Vec<Self>),
    /// A `set`.
    Set(Vec<Self>),
    /// A `frozenset`.
    FrozenSet(Vec<Self>),
    /// A `dict`: key and value. Where a key occurs twice, the later one holds, as in Python.
    Dict(Vec<(Self, Self)>),
}

impl Value {
    /// What a dict holds under a key that is text; nothing for other values.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(pairs) = self else {
            return None;
        };
        pairs
            .iter()
            .rfind(|(found, _)| found.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// The text of a `str`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an `int`; `True` and `False` are none.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The members of a list, tuple, set or frozenset.
    pub fn members(&self) -> Option<&[Self]> {
        match self {
            Self::List(members)
            | Self::Tuple(members)
            | Self::Set(members)
            | Self::FrozenSet(members) => Some(members),
            _ => None,
        }
    }

    /// The pairs of a dict.
    pub fn pairs(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// Whether Python could put it in a set. Frozensets were checked when they were made.
    pub(super) fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            Self::Tuple(members) => members.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
