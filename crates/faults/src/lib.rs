//! Fault points: named places in the product at which a test can make something go wrong.
//!
//! Without the feature `fault-points`, which nothing switches on by default, a point is no code at all: the macros of
//! this crate leave nothing behind, not even the name. With it, a point asks what to do:
//!
//! ```text
//! FAULT_POINTS=FILE            the environment names a file; without it nothing happens
//!
//! archive.sync = error EIO     the file's lines: a point and what happens there
//! ssh.output @0193… = panic    only where the point's context holds this text
//! archive.append = delay 300   milliseconds
//! gate.row-opening = abort     the process ends as after `kill -9`
//! archive.create = hang        until the line is gone
//! ```
//! The file is read anew whenever a point is reached, so a running node can be armed and disarmed. A file that is
//! missing, and a line that makes no sense, do nothing.
//!
//! Two kinds of points: [`point!`] for steps, and [`failing!`] where the system could refuse, which gives an
//! [`std::io::Result`]. An error at a step, and a point's wait in asynchronous code, are the test's own business: a wait
//! blocks the thread.

#[cfg(feature = "fault-points")]
mod armed;

#[cfg(feature = "fault-points")]
pub use armed::{fail, reach};

/// A step: `point!("crate.what-was-done")`, and optionally anything that can be displayed, to tell one session's step
/// from another's.
#[cfg(feature = "fault-points")]
#[macro_export]
macro_rules! point {
    ($name:literal $(, $context:expr)?) => {
        $crate::reach($name, &[$(&$context as &dyn ::std::fmt::Display)?])
    };
}

/// A step; nothing in this build.
#[cfg(not(feature = "fault-points"))]
#[macro_export]
macro_rules! point {
    ($name:literal $(, $context:expr)?) => {
        ()
    };
}

/// Something that the system could refuse: `failing!("crate.what")?`, with a context as [`point!`] has it.
#[cfg(feature = "fault-points")]
#[macro_export]
macro_rules! failing {
    ($name:literal $(, $context:expr)?) => {
        $crate::fail($name, &[$(&$context as &dyn ::std::fmt::Display)?])
    };
}

/// Something that the system could refuse; never in this build.
#[cfg(not(feature = "fault-points"))]
#[macro_export]
macro_rules! failing {
    ($name:literal $(, $context:expr)?) => {
        ::std::io::Result::Ok(())
    };
}
