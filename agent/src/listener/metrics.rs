//! `GET /metrics`: how this machine is, for Prometheus. Names and units are in docs/reference/metrics.md.

use super::caller::{ByNode, Refused, refused};
use super::handshakes::tunnels;
use super::{Listener, Place};
use crate::status;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use knarr_node::report::{ClusterOutcome, Outcome, Report};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::SystemTime;

/// Source: OpenMetrics 1.0, which is what the encoder writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = [(&'static str, String); 1];

/// Passes of this process, by the time that they took.
#[derive(Clone, Debug)]
pub(super) struct Passes(Histogram);

impl Default for Passes {
    fn default() -> Self {
        Self(Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0]))
    }
}

impl Passes {
    pub(super) fn took(&self, seconds: f64) {
        self.0.observe(seconds);
    }
}

/// `GET /metrics`
pub(super) async fn show(
    State(listener): State<Arc<Listener>>,
    ByNode(_): ByNode,
) -> Result<Response, Refused> {
    let text = tokio::task::spawn_blocking(move || text(&listener)).await;
    let broken = || refused(StatusCode::INTERNAL_SERVER_ERROR, "there are no metrics now");
    let text = text.ok().flatten().ok_or_else(broken)?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

fn text(listener: &Listener) -> Option<String> {
    let mut registry = Registry::with_prefix("knarr");
    registry.register("build", "The version of knarrd", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let passes = listener.passes.0.clone();
    registry.register_with_unit("pass", "How long passes took", Unit::Seconds, passes);
    if let Some(report) = status::read(&listener.paths).ok().flatten() {
        of_report(&mut registry, &report);
    }
    if let Some(place) = listener.place() {
        of_mesh(&mut registry, &place);
    }
    let mut text = String::new();
    encode(&mut text, &registry).ok()?;
    Some(text)
}

fn of_report(registry: &mut Registry, report: &Report) {
    let outcomes = Family::<Labels, Gauge>::default();
    for (name, is) in outcome(&report.outcome) {
        outcomes.get_or_create(&[("outcome", name.to_owned())]).set(i64::from(is));
    }
    registry.register("outcome", "1 for how the last pass ended", outcomes);
    let commits = Family::<[(&'static str, String); 2], Gauge>::default();
    let known =
        [("seen", &report.seen), ("accepted", &Some(report.accepted.clone())), ("applied", &report.applied)];
    for (stage, commit) in known {
        if let Some(commit) = commit {
            commits.get_or_create(&[("stage", stage.to_owned()), ("commit", commit.to_string())]).set(1);
        }
    }
    registry.register("commit", "1 for the newest commit of each stage", commits);
    let one = |value: u64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        gauge
    };
    let troubled = u64::try_from(report.items.len()).unwrap_or(u64::MAX);
    registry.register("items_troubled", "Items that are not as wanted", one(troubled));
    registry.register(
        "fetched",
        "1 when the last pass could fetch from a remote",
        one(u64::from(report.unfetched.is_none())),
    );
    if let Some(cluster) = report.cluster.as_ref().filter(|it| it.acts()) {
        let converged = one(u64::from(cluster.how == ClusterOutcome::Converged));
        registry.register("cluster_converged", "1 when this server made Kubernetes' objects so", converged);
    }
    registry.register_with_unit(
        "last_pass_timestamp",
        "When the last pass ended, since 1970",
        Unit::Seconds,
        one(report.at),
    );
}

/// Lists all outcomes, of which one is.
fn outcome(outcome: &Outcome) -> [(&'static str, bool); 6] {
    [
        ("converged", matches!(outcome, Outcome::Converged)),
        ("waiting", matches!(outcome, Outcome::Waiting(_))),
        ("stalled", matches!(outcome, Outcome::Stalled { .. })),
        ("retry", matches!(outcome, Outcome::Retry { .. })),
        ("undone", matches!(outcome, Outcome::Undone { .. })),
        ("lost", matches!(outcome, Outcome::Lost(_))),
    ]
}

/// A node that never answered has no age, rather than a wrong one.
fn of_mesh(registry: &mut Registry, place: &Place) {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let ages = Family::<Labels, Gauge>::default();
    for (peer, tunnel) in tunnels(place, now) {
        if let Some(age) = tunnel.handshake {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            ages.get_or_create(&[("peer", peer.to_string())]).set(age);
        }
    }
    registry.register_with_unit("peer_handshake_age", "Since a node last shook hands", Unit::Seconds, ages);
}
