//! Python's plain values.

/// A value of Python that is nothing but data.
///
/// Sets and dicts keep the order in which they were pickled. Equality compares the variants field by field: the order
/// counts, and `1` differs from `1.0`.
#[derive(Clone, Debug, PartialEq)]
pub enum PyValue {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An `int` of at most 64 bits.
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
    /// A `dict`, as pairs of key and value. If a key occurs twice, the later pair counts, as in Python.
    Dict(Vec<(Self, Self)>),
}

impl PyValue {
    /// Returns the value of a dict under a key that is a `str`. Returns `None` for other values.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_pairs()?
            .iter()
            .rfind(|(found, _)| found.as_str() == Some(key))
            .map(|(_, value)| value)
    }

    /// Returns the text of a `str`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the number of an `int`. `True` and `False` do not count as numbers.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Returns the members of a list, tuple, set or frozenset.
    pub fn as_members(&self) -> Option<&[Self]> {
        match self {
            Self::List(members)
            | Self::Tuple(members)
            | Self::Set(members)
            | Self::FrozenSet(members) => Some(members),
            _ => None,
        }
    }

    /// Returns the pairs of a dict.
    pub fn as_pairs(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Dict(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// Returns true if Python could put the value in a set. The members of frozensets were checked before.
    pub(super) fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Set(_) | Self::Dict(_) => false,
            Self::Tuple(members) => members.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

impl From<&str> for PyValue {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}
