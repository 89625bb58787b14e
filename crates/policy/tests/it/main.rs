//! The crate's promises, tested from outside: reasons and sentences, schedules on the days when clocks change,
//! forwards, explanations and lists, and random directories against a slow reference.

#[cfg(test)]
mod changes;
#[cfg(test)]
mod forwards;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod preview;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod reasons;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod world;
