//! Lines of casts in the wire's form, each with its place, so that nobody gets one twice or misses one unawares.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use gatehouse_archive::FollowedLine;

use crate::control::Answer;

/// How far each channel has come, in bytes of its cast.
type Places = BTreeMap<u32, u64>;

/// Puts lines into the wire's form, and remembers how far it has come.
#[derive(Default)]
pub(super) struct Encoder {
    places: Places,
}

/// Some lines in the wire's form.
pub(super) struct Batch {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// How far the channels of these lines had come before them, and have come with them.
    before: Places,
    after: Places,
    from: Places,
}

struct Line {
    channel: u32,
    begin: u64,
    end: u64,
    text: Range<usize>,
}

impl Batch {
    /// An empty one, for what comes after what the encoder had.
    pub(super) fn begin(encoder: &Encoder) -> Self {
        Self {
            bytes: Vec::new(),
            lines: Vec::new(),
            before: Places::new(),
            after: Places::new(),
            from: encoder.places.clone(),
        }
    }

    /// Its bytes in the wire's form.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.bytes.into()
    }
}

/// A batch that is shared.
pub(super) struct Shared {
    bytes: Bytes,
    lines: Vec<Line>,
    before: Places,
    after: Places,
}

impl From<Batch> for Shared {
    fn from(batch: Batch) -> Self {
        Self {
            bytes: batch.bytes.into(),
            lines: batch.lines,
            before: batch.before,
            after: batch.after,
        }
    }
}

impl Shared {
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }
}

impl Encoder {
    /// Adds a line, unless it was had. What lies between it and the one before is told.
    pub(super) fn add(&mut self, line: &FollowedLine, batch: &mut Batch) {
        let Some(gap) = self.reach(line.channel, line.begin, line.end) else {
            return;
        };
        let had = batch.from.get(&line.channel).copied().unwrap_or(0);
        batch.before.entry(line.channel).or_insert(had);
        batch.after.insert(line.channel, line.end);
        tell_gap(line.channel, gap, &mut batch.bytes);
        let start = batch.bytes.len();
        Answer::Line {
            channel: line.channel,
            line: line.line.as_str().into(),
        }
        .put(&mut batch.bytes);
        batch.lines.push(Line {
            channel: line.channel,
            begin: line.begin,
            end: line.end,
            text: start..batch.bytes.len(),
        });
    }

    /// What of a shared batch was not had yet.
    pub(super) fn take(&mut self, batch: &Shared) -> Bytes {
        let come = |channel: &u32| self.places.get(channel).copied().unwrap_or(0);
        if batch
            .before
            .iter()
            .all(|(channel, place)| come(channel) == *place)
        {
            self.places.extend(&batch.after);
            return batch.bytes.clone();
        }
        let mut bytes = Vec::new();
        for line in &batch.lines {
            if let Some(gap) = self.reach(line.channel, line.begin, line.end) {
                tell_gap(line.channel, gap, &mut bytes);
                bytes.extend_from_slice(batch.bytes.get(line.text.clone()).unwrap_or_default());
            }
        }
        bytes.into()
    }

    /// Goes to the end of a line; `None`: it was had. Otherwise how many bytes lie before it that were not.
    fn reach(&mut self, channel: u32, begin: u64, end: u64) -> Option<u64> {
        let place = self.places.entry(channel).or_default();
        let gap = begin.checked_sub(*place)?;
        *place = end;
        Some(gap)
    }
}

fn tell_gap(channel: u32, skipped: u64, out: &mut Vec<u8>) {
    if skipped > 0 {
        Answer::Skipped { channel, skipped }.put(out);
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_recording::Offset;
    use proptest::prelude::*;

    use super::*;

    /// Lines of ten bytes.
    fn line(channel: u32, number: u64) -> FollowedLine {
        FollowedLine {
            channel,
            at: Offset::ZERO,
            line: format!("{channel}:{number}"),
            begin: number * 10,
            end: number * 10 + 10,
        }
    }

    /// What a viewer is told, as text: `0:3` for a line, `+20` for a gap.
    fn told(bytes: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.lines()
            .map(|line| match serde_json::from_str(line).unwrap() {
                Answer::Line { line, .. } => line.into_owned(),
                Answer::Skipped { skipped, .. } => format!("+{skipped}"),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_gap_is_told_and_a_line_given_once() {
        let mut encoder = Encoder::default();
        let mut batch = Batch::begin(&encoder);
        for line in [line(0, 0), line(0, 1), line(0, 1), line(1, 0), line(0, 4)] {
            encoder.add(&line, &mut batch);
        }
        assert_eq!(told(&batch.into_bytes()), ["0:0", "0:1", "1:0", "+20", "0:4"]);
    }

    proptest! {
        /// Whatever a watcher had when it came and whatever batches it misses: it gets the rest in order, each line
        /// once, and every gap is told.
        #[test]
        fn whatever_is_missed_is_told(had in 0u64..30, sizes in prop::collection::vec(1u64..6, 1..8), missed in prop::collection::vec(any::<bool>(), 8)) {
            let (mut hub, mut watcher) = (Encoder::default(), Encoder::default());
            let mut past = Batch::begin(&watcher);
            for number in 0..had {
                watcher.add(&line(0, number), &mut past);
            }
            let (mut at, mut place) = (had / 2, had);
            hub.places.insert(0, at * 10);
            for (size, missed) in sizes.into_iter().zip(missed) {
                let mut batch = Batch::begin(&hub);
                for number in at..at + size {
                    hub.add(&line(0, number), &mut batch);
                }
                let from = at;
                at += size;
                if missed {
                    continue;
                }
                let mut want = Vec::new();
                if from > place {
                    want.push(format!("+{}", (from - place) * 10));
                }
                want.extend((from.max(place)..at).map(|number| format!("0:{number}")));
                prop_assert_eq!(told(&watcher.take(&Shared::from(batch))), want);
                place = place.max(at);
            }
        }
    }
}
