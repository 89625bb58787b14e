//! The layer between `tracing` and the output: what is logged, and with the fields of which spans.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::{Fields, Line};
use super::output::Output;
use crate::config::LogFormat;

/// Writes events as lines.
///
/// Spans are kept at every level, since a line of any level is to say to which session it belongs. They are few: one a
/// connection.
pub(super) struct LogLayer {
    format: LogFormat,
    levels: Arc<ArcSwap<Targets>>,
    output: Output,
}

impl LogLayer {
    pub(super) fn new(format: LogFormat, levels: Arc<ArcSwap<Targets>>, output: Output) -> Self {
        Self {
            format,
            levels,
            output,
        }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            metadata.target().starts_with("gatehouse")
        } else {
            self.levels
                .load()
                .would_enable(metadata.target(), metadata.level())
        }
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Asked again when the levels change.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let most = self.levels.load().iter().map(|(_, level)| level).max();
        let default = self.levels.load().default_level();
        // Spans of connections are errors by their level, so that none is left out.
        most.max(default).max(Some(LevelFilter::ERROR))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::new(event);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.add_missing(fields);
            }
        }
        self.output.push(line.render(self.format));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tracing::field::Empty;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::logging::output::Place;

    fn logged(format: LogFormat, levels: &str, act: impl FnOnce()) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let output = Output::start(Place::File(file.clone()));
        let levels = Arc::new(ArcSwap::from_pointee(levels.parse().unwrap()));
        let layer = LogLayer::new(format, levels, output.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        output.flush();
        read(&file)
    }

    fn read(file: &Path) -> String {
        std::fs::read_to_string(file).unwrap()
    }

    #[test]
    fn lines_that_scripts_wait_for_stand_bare() {
        let addr: std::net::SocketAddr = "127.0.0.1:40123".parse().unwrap();
        let lines = logged(LogFormat::Text, "info", || {
            tracing::info!(gate = "ssh", %addr, "listening");
            tracing::info!("ready");
        });
        assert_eq!(lines, "listening gate=ssh addr=127.0.0.1:40123\nready\n");
    }

    #[test]
    fn other_lines_have_time_and_level_and_no_line_is_broken_from_outside() {
        let line = logged(LogFormat::Text, "info", || {
            tracing::warn!(login = "a\n\x1b[2J b", count = 3, "refused");
        });
        assert!(line.starts_with("time=2"), "{line}");
        assert!(
            line.ends_with(" level=warn refused login=\"a\\x0a\\x1b[2J b\" count=3\n"),
            "{line}"
        );
    }

    #[test]
    fn a_session_stands_once_on_each_line_at_every_level() {
        let act = || {
            let span = tracing::error_span!("connection", source = "10.0.0.7", session = Empty);
            let _entered = span.enter();
            tracing::warn!("before");
            span.record("session", "01");
            tracing::info!("not logged");
            tracing::warn!("after");
            tracing::error!(session = "02", "its own");
        };
        let lines = logged(LogFormat::Text, "warn", act);
        let ends: Vec<_> = lines
            .lines()
            .map(|l| l.split_once(" level=").unwrap().1)
            .collect();
        assert_eq!(
            ends,
            [
                "warn before source=10.0.0.7",
                "warn after source=10.0.0.7 session=01",
                "error its own session=02 source=10.0.0.7"
            ]
        );
        let lines = logged(LogFormat::Json, "warn", act);
        let sessions: Vec<_> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["session"].clone())
            .collect();
        assert_eq!(sessions, [serde_json::Value::Null, "01".into(), "02".into()]);
    }

    #[test]
    fn json_lines_are_flat_and_typed() {
        let line = logged(LogFormat::Json, "info", || {
            tracing::info!(count = 3_u64, whole = true, "re\"fused");
        });
        let line: serde_json::Value = serde_json::from_str(line.trim_end()).unwrap();
        assert_eq!(line["message"], "re\"fused");
        assert_eq!(line["level"], "info");
        assert_eq!(
            (line["count"].as_u64(), line["whole"].as_bool()),
            (Some(3), Some(true))
        );
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
        assert_eq!(line["target"], "gatehouse::logging::layer::tests");
    }
}
