//! Log lines on standard error.
//!
//! As text: `time=… level=… MESSAGE key=value …`, values in quotes where they hold spaces, and nothing in them that
//! a terminal would obey. The two lines that scripts wait for, `listening gate=… addr=…` and `ready`, stand bare.

use std::fmt::{self, Write};
use std::sync::OnceLock;

use gatehouse_model::{Timestamp, format_time};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, reload};

use crate::config::{Log, LogFormat};
use crate::terminal::clean;

/// Messages whose lines begin with themselves.
const BARE: &[&str] = &["listening", "ready"];

/// Changes what is logged while the program runs.
static CHANGE_LEVEL: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// Sends the log to standard error from here on, as configured. A second call changes nothing.
pub(crate) fn start(log: &Log) {
    let (filter, handle) = reload::Layer::new(filter(log));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // Only a test harness has a subscriber already, and it may keep it.
    let _already_there = match log.format {
        LogFormat::Text => registry
            .with(lines.fmt_fields(Pairs).event_format(Lines))
            .try_init(),
        LogFormat::Json => registry
            .with(lines.json().flatten_event(true).with_ansi(false))
            .try_init(),
    };
    let change = move |filter| {
        if let Err(error) = handle.reload(filter) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    };
    let _first_one_stays = CHANGE_LEVEL.set(Box::new(change));
}

/// Logs at the level configured now; the format stays.
pub(crate) fn change_level(log: &Log) {
    if let Some(change) = CHANGE_LEVEL.get() {
        change(filter(log));
    }
}

fn filter(log: &Log) -> EnvFilter {
    EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// Writes events as text.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut pairs = Collected::default();
        event.record(&mut pairs);
        let level = *event.metadata().level();
        if !(level == Level::INFO && BARE.contains(&pairs.message.as_str())) {
            let word = level.as_str().to_ascii_lowercase();
            write!(out, "time={} level={word} ", format_time(Timestamp::now()))?;
        }
        out.write_str(&pairs.line())?;
        for span in context
            .event_scope()
            .into_iter()
            .flat_map(tracing_subscriber::registry::Scope::from_root)
        {
            let extensions = span.extensions();
            if let Some(fields) = extensions
                .get::<FormattedFields<N>>()
                .filter(|fields| !fields.is_empty())
            {
                write!(out, " {}", fields.fields)?;
            }
        }
        writeln!(out)
    }
}

/// Writes the fields of spans as text.
struct Pairs;

impl<'writer> FormatFields<'writer> for Pairs {
    fn format_fields<R: RecordFields>(&self, mut out: Writer<'writer>, fields: R) -> fmt::Result {
        let mut pairs = Collected::default();
        fields.record(&mut pairs);
        out.write_str(&pairs.line())
    }
}

/// A message and its fields, in the order in which they were given.
#[derive(Default)]
struct Collected {
    message: String,
    pairs: String,
}

impl Collected {
    fn line(&self) -> String {
        match (self.message.is_empty(), self.pairs.is_empty()) {
            (true, _) => self.pairs.clone(),
            (false, true) => clean(&self.message),
            (false, false) => format!("{} {}", clean(&self.message), self.pairs),
        }
    }

    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
            return;
        }
        if !self.pairs.is_empty() {
            self.pairs.push(' ');
        }
        let _infallible = write!(self.pairs, "{}={}", field.name(), quoted(value));
    }
}

fn quoted(value: &str) -> String {
    let cleaned = clean(value);
    let plain = !cleaned.is_empty() && !cleaned.contains([' ', '"', '=']);
    if plain {
        cleaned
    } else {
        format!("\"{}\"", cleaned.replace('"', "\\\""))
    }
}

impl Visit for Collected {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, &crate::failure::sentence(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Kept {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn logged(act: impl FnOnce()) -> String {
        let kept = Kept::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(kept.clone())
            .fmt_fields(Pairs)
            .event_format(Lines)
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lines_that_scripts_wait_for_stand_bare() {
        let addr: std::net::SocketAddr = "127.0.0.1:40123".parse().unwrap();
        assert_eq!(
            logged(|| tracing::info!(gate = "ssh", %addr, "listening")),
            "listening gate=ssh addr=127.0.0.1:40123\n"
        );
        assert_eq!(logged(|| tracing::info!("ready")), "ready\n");
    }

    #[test]
    fn other_lines_have_time_and_level_and_no_line_is_broken_from_outside() {
        let line = logged(|| {
            let span = tracing::info_span!("session", session = "01");
            let _entered = span.enter();
            tracing::warn!(login = "a\n\x1b[2J b", count = 3, "refused");
        });
        assert!(line.starts_with("time=2"), "{line}");
        assert!(
            line.ends_with(" level=warn refused login=\"a\\x0a\\x1b[2J b\" count=3 session=01\n"),
            "{line}"
        );
    }
}
