//! The API against a real store and a real gate, on both databases.

#[cfg(test)]
mod authority;
#[cfg(test)]
mod described;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod everyone;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod previews;
#[cfg(test)]
mod support;
