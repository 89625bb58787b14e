//! Taps: they listen to a file transfer protocol and log what it does, without keeping what it carries.
//!
//! A tap sees the bytes of both directions as they pass and never changes or delays them. As long as both keep to
//! the protocol the channel's contents are not recorded; at the first byte that does not, the tap gives back what
//! it held ([`Departure`]), and everything from there on is recorded as on any channel.

mod packets;
pub mod scp;
pub mod sftp;

use crate::event::Stream;
use crate::offset::Offset;
use crate::transfer::{Direction, Operation, Transfer};

/// The bytes do not keep to the protocol. What was not accounted for, in order, with the rest of the chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Departure {
    /// Bytes to be recorded, by stream.
    pub held: Vec<(Stream, Vec<u8>)>,
}

/// Numbers transfers and fills in what they share.
#[derive(Debug)]
struct Ledger {
    channel: u32,
    next: u64,
}

impl Ledger {
    fn new(channel: u32) -> Self {
        Self { channel, next: 0 }
    }

    fn entry(&mut self, began: Offset, direction: Direction, operation: Operation, path: String) -> Transfer {
        let id = self.next;
        self.next += 1;
        Transfer {
            id,
            channel: self.channel,
            direction,
            operation,
            path,
            target_path: None,
            bytes: 0,
            result: crate::transfer::STARTED.to_owned(),
            started: began,
            duration: std::time::Duration::ZERO,
        }
    }
}

/// A transfer that ended now.
fn ended(mut transfer: Transfer, at: Offset, result: &str) -> Transfer {
    transfer.duration = at.since(transfer.started);
    result.clone_into(&mut transfer.result);
    transfer
}
