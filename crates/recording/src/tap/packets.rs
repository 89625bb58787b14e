//! SFTP packets: put together from their length prefix, and read as far as the tap needs.

/// Longest packet: 256 KiB of data and its head.
const PACKET_MAX: u32 = 257 * 1024;
/// How much of a packet is looked at; two paths of the longest kind fit.
const HEAD_MAX: usize = 16 * 1024;
/// The same for packets that carry file contents: a handle has at most 256 bytes.
const DATA_HEAD_MAX: usize = 320;
/// Puts packets together.
#[derive(Debug, Default)]
pub(super) struct Packets {
    /// The length prefix and the head so far.
    pub(super) head: Vec<u8>,
    /// Bytes of the packet that are still to come and are not looked at.
    skip: usize,
}

/// Whether a packet is complete, as far as it is looked at.
pub(super) enum Complete {
    No,
    /// The length prefix and as much of the packet as is looked at.
    Head(Vec<u8>),
    /// No packet is that long or that short, or has this type.
    Impossible,
}

impl Packets {
    /// Takes what belongs to the packet at hand.
    pub(super) fn feed<'a>(&mut self, bytes: &'a [u8]) -> (Complete, &'a [u8]) {
        if self.skip > 0 {
            let (skipped, rest) = bytes.split_at(bytes.len().min(self.skip));
            self.skip -= skipped.len();
            return (Complete::No, rest);
        }
        // Prefix and type first: they say how much of the packet matters.
        let prefix = self
            .head
            .first_chunk::<4>()
            .map(|prefix| u32::from_be_bytes(*prefix));
        let wanted = match (prefix, self.head.get(4)) {
            (Some(length), Some(kind)) => 4 + (length as usize).min(head_max(*kind)),
            _ => 5,
        };
        let (more, rest) = bytes.split_at(bytes.len().min(wanted.saturating_sub(self.head.len())));
        self.head.extend_from_slice(more);
        if self.head.len() < 5 {
            return (Complete::No, rest);
        }
        let length = self
            .head
            .first_chunk::<4>()
            .map_or(0, |prefix| u32::from_be_bytes(*prefix));
        let kind = self.head.get(4).copied().unwrap_or_default();
        if length == 0 || length > PACKET_MAX || !matches!(kind, 1..=23 | 101..=105 | 200 | 201) {
            return (Complete::Impossible, rest);
        }
        let looked_at = (length as usize).min(head_max(kind));
        if self.head.len() < 4 + looked_at {
            return (Complete::No, rest);
        }
        self.skip = length as usize - looked_at;
        (Complete::Head(std::mem::take(&mut self.head)), rest)
    }
}

fn head_max(kind: u8) -> usize {
    if matches!(kind, 6 | 103 | 104) {
        DATA_HEAD_MAX
    } else {
        HEAD_MAX
    }
}

/// The fields of a packet (RFC 4251 section 5).
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    pub(super) fn long(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    pub(super) fn handle(&mut self) -> Option<Vec<u8>> {
        self.string()
            .filter(|handle| handle.len() <= 256)
            .map(<[u8]>::to_vec)
    }
}
