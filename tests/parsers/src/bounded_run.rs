//! A bounded number of random inputs for one parser, the same in every run.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use fastrand::Rng;

use super::{Parser, mutation};

/// The variables that replace the seed and the number of inputs.
const SEED_VARIABLE: &str = "PARSER_SEED";
const INPUTS_VARIABLE: &str = "PARSER_INPUTS";
const DEFAULT_SEED: u64 = 0x5eed_0079;

/// A run of [`Parser::check`].
pub struct BoundedRun {
    /// The number of inputs.
    pub inputs: u64,
    /// The number of inputs that the parser has to accept: a run of which everything is refused shows little.
    pub at_least_accepted: u64,
}

impl BoundedRun {
    /// Checks all samples, and then the random inputs.
    ///
    /// # Panics
    /// Panics if a property does not hold. The message names the seed and the file that has the input.
    pub fn check(&self, parser: &Parser) {
        let seed = number_of(SEED_VARIABLE).unwrap_or(DEFAULT_SEED);
        let inputs = number_of(INPUTS_VARIABLE).unwrap_or(self.inputs);
        let samples = (parser.samples)();
        let mut random = Rng::with_seed(seed);
        let mut accepted = 0;
        for sample in &samples {
            check_one(parser, seed, sample);
        }
        for _ in 0..inputs {
            let input = mutation::input(&mut random, parser, &samples);
            accepted += u64::from(check_one(parser, seed, &input));
        }
        assert!(
            inputs != self.inputs || accepted >= self.at_least_accepted,
            "the parser accepted {accepted} of {inputs} inputs, expected {}",
            self.at_least_accepted
        );
    }
}

fn check_one(parser: &Parser, seed: u64, input: &[u8]) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| (parser.check)(input))).unwrap_or_else(|_| {
        let path = save(parser, input);
        panic!(
            "{}: a property does not hold for the input in {}, a random one of {SEED_VARIABLE}={seed} or a sample",
            parser.name,
            path.display()
        )
    })
}

/// Saves the input, so that a fuzz target or a debugger can run it again.
fn save(parser: &Parser, input: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("failed-input-{}", parser.name));
    std::fs::write(&path, input).expect("the directory for temporary files is writable");
    path
}

fn number_of(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}={value} is not a number")))
}
