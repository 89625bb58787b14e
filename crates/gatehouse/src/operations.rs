//! What operators watch: the listener for metrics and health.

use std::sync::Arc;

use gatehouse_gate::{Gate, ListenerName, bind};
use gatehouse_telemetry::{BUILD_INFO, words};
use gatehouse_web::{Exporter, Health, Observe};
use tokio_util::sync::CancellationToken;

use crate::config::Listen;
use crate::failure::{Failure, sentence};
use crate::process;

const METRICS: ListenerName = ListenerName {
    gate: "metrics",
    key: "metrics.listen",
    before: None,
};

/// Counts from here on, if somebody is to be able to ask; nobody else does, and then nothing is kept.
pub(crate) fn exporter(listen: &Listen) -> Result<Option<Exporter>, Failure> {
    if listen.is_off() {
        return Ok(None);
    }
    let exporter = Exporter::install().map_err(|error| Failure::refused(sentence(&error)))?;
    BUILD_INFO.set(&[words::VERSION], 1);
    process::note_start();
    Ok(Some(exporter))
}

/// Listens, and serves until it is to stop.
pub(crate) fn listen(
    listen: &Listen,
    exporter: Option<Exporter>,
    gate: &Gate,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Some(exporter) = exporter else { return Ok(()) };
    let listeners = bind(METRICS, listen.addresses()).map_err(|error| Failure::refused(sentence(&error)))?;
    tokio::spawn(exporter.clone().upkeep(stop.clone()));
    let routes = gatehouse_web::operations(exporter, observe(gate));
    for listener in listeners {
        tokio::spawn(gatehouse_web::serve(listener, routes.clone(), stop.clone()));
    }
    Ok(())
}

fn observe(gate: &Gate) -> Observe {
    let (observed, asked) = (gate.clone(), gate.clone());
    Observe {
        gauges: Arc::new(move || {
            observed.observe();
            process::observe();
        }),
        health: Arc::new(move || {
            if asked.is_stopping() {
                Health::Stopping
            } else {
                Health::Serving
            }
        }),
    }
}
