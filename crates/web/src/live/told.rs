//! Events of casts as viewers get them: `[seconds, code, text]`, with text that is safe for a terminal.

use gatehouse_recording::Offset;
use gatehouse_recording::cast::{CastData, CastEvent};
use gatehouse_recording::screen::SafeRenderer;
use serde::{Serialize, Serializer};

/// An event as viewers get it. The codes are asciicast's: `o` output, `i` input, `r` resize, `m` marker.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Told {
    /// When, since the session's start.
    pub(crate) at: Offset,
    code: &'static str,
    text: String,
}

impl Told {
    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        // Time, code, quotes and commas; escapes make control characters longer.
        self.text.len() + 24
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.at, self.code, &self.text).serialize(to)
    }
}

/// Tells the events of one channel, in their order. What a sequence was cut into is remembered from one to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Teller {
    output: SafeRenderer,
    input: SafeRenderer,
}

impl Teller {
    /// The event as viewers get it; `None`: there is nothing to see.
    pub(crate) fn tell(&mut self, event: &CastEvent) -> Option<Told> {
        let (code, text) = match &event.data {
            CastData::Output(_, data) => ("o", self.output.render(&data.text)),
            CastData::Input(data) => ("i", self.input.render(&data.text)),
            CastData::Resize { cols, rows } => ("r", format!("{cols}x{rows}")),
            CastData::Marker(text) => ("m", SafeRenderer::new().render(text)),
            CastData::Binary(stream, length) => (
                "o",
                format!("\r\n[{length} bytes of binary {}]\r\n", stream.as_str()),
            ),
            CastData::Gap(length) => ("o", format!("\r\n[{length} bytes are lost here]\r\n")),
            _ => return None,
        };
        (!text.is_empty()).then_some(Told {
            at: event.at,
            code,
            text,
        })
    }
}

#[cfg(test)]
mod tests {
    use gatehouse_recording::Stream;
    use gatehouse_recording::cast::CastBytes;

    use super::*;

    #[test]
    fn what_commands_a_terminal_is_left_out_wherever_it_is_cut() {
        let mut teller = Teller::default();
        let output = |text: &str| CastEvent {
            at: Offset::from_micros(1_500_000),
            data: CastData::Output(
                Stream::Output,
                CastBytes {
                    text: text.to_owned(),
                    bytes: text.as_bytes().to_vec(),
                },
            ),
        };
        assert_eq!(teller.tell(&output("\x1b]52;c;")), None);
        assert_eq!(teller.tell(&output("cm0gLXJm")), None);
        let told = teller.tell(&output("\x07$ \x1b[31mls")).unwrap();
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!(json, serde_json::json!([1.5, "o", "$ \u{1b}[31mls"]));
    }
}
