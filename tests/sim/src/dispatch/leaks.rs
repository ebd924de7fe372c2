//! Constructors in answers that the client's layer lacks.

/// Replaces the first occurrence of a constructor id by one that no layer has.
pub(super) fn replace_constructor(answer: &mut [u8], constructor: u32) {
    const UNKNOWN: u32 = 0xdead_beef;
    let words = answer.chunks_exact_mut(4);
    if let Some(word) = words
        .into_iter()
        .find(|word| **word == constructor.to_le_bytes())
    {
        word.copy_from_slice(&UNKNOWN.to_le_bytes());
    }
}
