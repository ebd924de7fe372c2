//! Mutations of a sample: flipped and replaced bytes, cuts, insertions, repetitions, duplicates and splices.

use fastrand::Rng;

use super::Parser;

/// The longest piece of a sample that one mutation moves or removes.
const MAX_MOVED: usize = 40;
/// The number of times that a repetition inserts a piece.
const MAX_REPETITIONS: usize = 200;
/// The number of pieces or bytes in an input that no sample is part of.
const MAX_RANDOM: usize = 60;

/// Returns an input: nine times of ten a sample that was changed in one or two places, otherwise random bytes or
/// pieces.
pub(crate) fn input(random: &mut Rng, parser: &Parser, samples: &[Vec<u8>]) -> Vec<u8> {
    if random.u8(0..10) == 0 {
        return unrelated(random, parser.pieces);
    }
    let mut input = pick(random, samples).clone();
    for _ in 0..random.u8(1..=2) {
        mutate(random, parser.pieces, samples, &mut input);
    }
    input
}

/// Returns an input that no sample is part of.
fn unrelated(random: &mut Rng, pieces: &[&[u8]]) -> Vec<u8> {
    let count = random.usize(0..MAX_RANDOM);
    if random.bool() {
        return (0..count).map(|_| random.u8(..)).collect();
    }
    (0..count)
        .flat_map(|_| pick(random, pieces).to_vec())
        .collect()
}

fn mutate(random: &mut Rng, pieces: &[&[u8]], samples: &[Vec<u8>], input: &mut Vec<u8>) {
    let at = random.usize(0..=input.len());
    let end = at + random.usize(0..=(input.len() - at).min(MAX_MOVED));
    match random.u8(0..10) {
        // Flips a bit.
        0 | 1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.u8(0..8);
            }
        }
        // Replaces a byte.
        2 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        // Cuts out a piece.
        3 => drop(input.drain(at..end)),
        // Cuts off the end.
        4 => input.truncate(at),
        // Replaces a piece, or inserts one.
        5 => drop(input.splice(at..end, pick(random, pieces).iter().copied())),
        6 => drop(input.splice(at..at, pick(random, pieces).iter().copied())),
        7 => {
            let many = pick(random, pieces).repeat(random.usize(0..MAX_REPETITIONS));
            drop(input.splice(at..at, many));
        }
        // Duplicates a piece.
        8 => {
            let piece = input[at..end].to_vec();
            drop(input.splice(at..at, piece));
        }
        // Inserts a piece of a sample, or continues as that sample does.
        _ => {
            let other = pick(random, samples);
            if random.bool() {
                drop(input.splice(at.., other.iter().skip(at).copied()));
            } else {
                let start = random.usize(0..=other.len());
                drop(input.splice(at..at, other[start..].iter().take(MAX_MOVED).copied()));
            }
        }
    }
}

fn pick<'a, T>(random: &mut Rng, items: &'a [T]) -> &'a T {
    &items[random.usize(0..items.len())]
}
