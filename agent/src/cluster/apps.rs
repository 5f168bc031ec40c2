//! What Argo CD says of the Applications that the commit wants; those that it could not compare it is asked to look at again.

use super::api::{Api, ApiError};
use super::key::Key;
use knarr_node::report::{AppOutcome, AppReport};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most characters of a message.
const LONGEST: usize = 200;

/// Argo CD looks at an app that has it, and takes it away again.
/// Source: Argo CD v3.2, user-guide/annotations-and-labels.md.
const REFRESH: &str = "argocd.argoproj.io/refresh";

/// Asks for all Applications among `wanted`.
pub(super) async fn apps(
    api: &Api,
    wanted: impl Iterator<Item = &Key>,
) -> Result<BTreeMap<String, AppReport>, ApiError> {
    let mut all = BTreeMap::new();
    for key in wanted.filter(|key| key.kind == "Application" && key.group() == "argoproj.io") {
        if let Some(live) = api.get(key).await? {
            if is_stuck(&live) {
                api.merge(key, &json!({"metadata": {"annotations": {REFRESH: "normal"}}})).await?;
            }
            all.insert(key.name.clone(), report(&live));
        }
    }
    Ok(all)
}

/// Whether Argo CD could not compare the app: mostly something that it needs was not up yet, such as its repo-server or the
/// project, and by itself it looks again only after two to three minutes.
/// Source: Argo CD v3.2, operator-manual/argocd-cm.yaml, `timeout.reconciliation` and its jitter.
fn is_stuck(live: &Value) -> bool {
    live.pointer("/status/sync/status").is_some_and(|status| status == "Unknown")
}

/// Source: Argo CD v3.2, `ApplicationStatus`: `sync.comparedTo` is the source that was compared last, `operationState`
/// the last sync, `conditions` of a type that ends in `Error` say why none could be.
fn report(live: &Value) -> AppReport {
    let status = &live["status"];
    let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str);
    let current = status.pointer("/sync/comparedTo/source") == live.pointer("/spec/source");
    let (sync, health) = (text("/sync/status"), text("/health/status"));
    let failed = matches!(text("/operationState/phase"), Some("Failed" | "Error"));
    let how = match (current, sync, health) {
        (true, Some("Synced"), Some("Healthy" | "Suspended")) => AppOutcome::Healthy,
        (true, Some("Synced"), Some("Degraded")) => AppOutcome::Broken,
        (true, Some("OutOfSync"), _) if failed => AppOutcome::Broken,
        _ => AppOutcome::Coming,
    };
    let said = match (current, sync, health) {
        (true, Some(sync), Some(health)) => format!("{sync}, {health}"),
        _ => "not compared yet".to_owned(),
    };
    let why = (how != AppOutcome::Healthy).then(|| why(status, failed)).flatten();
    let said = match why {
        Some(why) => format!("{said}: {why}"),
        None => said,
    };
    let urls = status.pointer("/summary/externalURLs").and_then(Value::as_array);
    let urls = urls.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    AppReport { how, said, urls }
}

/// Returns the first line of what is in the way.
fn why(status: &Value, failed: bool) -> Option<String> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let mut errors = conditions.filter(|it| it["type"].as_str().is_some_and(|kind| kind.ends_with("Error")));
    let error = errors.find_map(|it| it["message"].as_str());
    let operation = status.pointer("/operationState/message").and_then(Value::as_str).filter(|_| failed);
    let health = status.pointer("/health/message").and_then(Value::as_str);
    let line = error.or(operation).or(health)?.lines().next()?;
    Some(line.chars().take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(status: &Value) -> (AppOutcome, String) {
        let source = json!({"path": "rendered/apps/shop", "targetRevision": "1111111"});
        let mut live = json!({"spec": {"source": source}, "status": status});
        if live["status"]["sync"]["comparedTo"].is_null() {
            live["status"]["sync"]["comparedTo"] = json!({"source": source});
        }
        let report = report(&live);
        (report.how, report.to_string())
    }

    fn status(sync: &str, health: &str) -> Value {
        json!({"sync": {"status": sync}, "health": {"status": health}})
    }

    #[test]
    fn an_app_is_healthy_only_when_argo_cd_has_seen_the_commit_that_it_follows() {
        assert_eq!(said(&status("Synced", "Healthy")), (AppOutcome::Healthy, "Synced, Healthy".into()));
        let mut older = status("Synced", "Healthy");
        older["sync"]["comparedTo"] = json!({"source": {"targetRevision": "0000000"}});
        assert_eq!(said(&older), (AppOutcome::Coming, "not compared yet".into()));
        assert_eq!(said(&json!({})), (AppOutcome::Coming, "not compared yet".into()));
    }

    #[test]
    fn an_app_is_broken_when_argo_cd_has_done_what_it_can() {
        assert_eq!(said(&status("Synced", "Degraded")).0, AppOutcome::Broken);
        assert_eq!(said(&status("Synced", "Progressing")).0, AppOutcome::Coming);
        assert_eq!(said(&status("OutOfSync", "Missing")).0, AppOutcome::Coming);
        let mut failed = status("OutOfSync", "Missing");
        failed["operationState"] = json!({"phase": "Failed", "message": "one object is refused\nand more"});
        let line = "OutOfSync, Missing: one object is refused";
        assert_eq!(said(&failed), (AppOutcome::Broken, line.into()));
    }

    #[test]
    fn what_is_in_the_way_and_where_people_find_the_app_are_said() {
        let mut unread = status("Unknown", "Healthy");
        let (warning, error) = (
            json!({"type": "OrphanedResourceWarning", "message": "x"}),
            json!({"type": "ComparisonError", "message": "no repository answers"}),
        );
        unread["conditions"] = json!([warning, error]);
        assert_eq!(said(&unread).1, "Unknown, Healthy: no repository answers");
        let mut found = status("Synced", "Healthy");
        found["summary"] = json!({"externalURLs": ["https://shop.harbor.example"]});
        assert_eq!(said(&found).1, "Synced, Healthy   https://shop.harbor.example");
    }
}
