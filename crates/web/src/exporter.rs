//! What counts: the recorder behind the table of metrics, and its text.

use std::time::Duration;

use gatehouse_telemetry::{ALL, Kind};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// Samples of histograms are put into their buckets this often, so that they do not pile up when nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Nothing can be counted.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// A histogram of the table has no bounds, or something counts already.
    #[error("metrics cannot be kept")]
    Build(#[from] metrics_exporter_prometheus::BuildError),
    /// Something counts already.
    #[error("metrics are kept by somebody else in this process already")]
    Taken,
}

/// Counts, and renders what was counted. Cheap to clone.
#[derive(Clone)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    /// Counts from here on, for the whole process; every series of the table is there at once. To be called before
    /// anything takes handles: those taken earlier do nothing.
    ///
    /// # Errors
    /// Somebody else counts in this process.
    pub fn install() -> Result<Self, ExporterError> {
        let mut builder = PrometheusBuilder::new();
        for metric in ALL {
            if let Kind::Histogram(bounds) = metric.kind {
                builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
            }
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| ExporterError::Taken)?;
        gatehouse_telemetry::register_all();
        Ok(Self(handle))
    }

    /// The text, format 0.0.4.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps memory bounded until it is to stop.
    pub async fn upkeep(self, stop: CancellationToken) {
        let mut ticker = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticker.tick() => self.0.run_upkeep(),
            }
        }
    }
}
