//! The loop: input after input until the time is over or one is found that a target does not survive.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime};

use crate::generator::Generator;

/// How long one input may take. Inputs are short: what takes longer takes more than linear time.
const SLOW: Duration = Duration::from_secs(2);

/// How long to run, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long.
    pub time: Duration,
    /// The generator's seed.
    pub seed: u64,
}

/// An input that a target did not survive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The input.
    pub input: Vec<u8>,
    /// What happened.
    pub what: String,
}

impl Limits {
    /// As the environment says, else two seconds from a seed of now.
    pub fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            time: Duration::from_secs(number("GATEHOUSE_FUZZ_SECONDS").unwrap_or(2)),
            seed: number("GATEHOUSE_FUZZ_SEED")
                .unwrap_or_else(|| u64::from(now.subsec_nanos()) ^ now.as_secs()),
        }
    }
}

/// Puts the corpus itself, and then inputs made of it, to a target. Gives their number.
///
/// # Errors
/// The first input at which the target panicked or took too long.
pub fn fuzz(limits: Limits, corpus: &[Vec<u8>], target: impl Fn(&[u8])) -> Result<u64, Finding> {
    let mut generator = Generator::new(limits.seed);
    let start = Instant::now();
    let mut count = 0;
    for input in corpus {
        put(input, &target)?;
    }
    while start.elapsed() < limits.time {
        put(&generator.input(corpus), &target)?;
        count += 1;
    }
    Ok(count)
}

fn put(input: &[u8], target: &impl Fn(&[u8])) -> Result<(), Finding> {
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input)));
    let what = match outcome {
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
            .unwrap_or_else(|| "a panic".to_owned()),
        Ok(()) if start.elapsed() > SLOW => format!("it took {:?}", start.elapsed()),
        Ok(()) => return Ok(()),
    };
    Err(Finding {
        input: input.to_vec(),
        what,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_panics_is_found_and_the_seed_finds_it_again() {
        let limits = Limits {
            time: Duration::from_secs(20),
            seed: 1,
        };
        let target = |input: &[u8]| assert!(!input.contains(&b'%'), "met a percent sign");
        let first = fuzz(limits, &[b"abc".to_vec()], target).unwrap_err();
        assert!(
            first.input.contains(&b'%') && first.what.contains("percent"),
            "{first:?}"
        );
        assert_eq!(fuzz(limits, &[b"abc".to_vec()], target).unwrap_err(), first);
    }

    #[test]
    fn a_target_that_is_well_is_given_many_inputs() {
        let limits = Limits {
            time: Duration::from_millis(50),
            seed: 2,
        };
        assert!(fuzz(limits, &[b"abc".to_vec()], |_| ()).unwrap() > 100);
    }
}
