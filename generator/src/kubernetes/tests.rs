use super::*;
use crate::spec::parse_trees;
use serde_json::json;

fn says(kinds: &Kinds, text: &str) -> Vec<String> {
    let trees = parse_trees(&"apps/a/a.yaml".parse().unwrap(), text.as_bytes()).unwrap();
    let tree = &trees[0];
    let word = |key: &str| tree.get(key).and_then(|at| at.text()).unwrap_or_default().to_owned();
    let Kind::Fields(shape) = kinds.find(&word("apiVersion"), &word("kind")) else { panic!("{text}") };
    let line = |Mistake { pointer, span, what }: Mistake| {
        let at = span.map_or("nowhere", |span| text[span].lines().next().unwrap_or_default());
        let what = match what {
            What::NoField(_) => "no field".to_owned(),
            What::Missing(takes) => format!("missing {takes}"),
            What::Other { found, takes, hint } => format!("{found}, takes {takes}: {hint}"),
            What::NoneOf(found, all) => format!("`{found}`, none of {}", shape::listed(&all)),
            What::Bad(bad) => bad.to_string(),
        };
        format!("{pointer} at `{at}`: {what}")
    };
    mistakes(kinds, shape, tree).into_iter().map(line).collect()
}

fn own() -> Kinds {
    Kinds::with(BTreeMap::new())
}

fn deployment(container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec:\n  selector: {{}}\n  template:\n    spec:\n      containers:\n      - {{name: a, {container}}}\n"
    )
}

#[test]
fn each_mistake_has_its_pointer_and_its_place() {
    let cases = [
        ("image: a, port: []", "/spec/template/spec/containers/0/port at `port`: no field"),
        (
            "image: 5",
            "/spec/template/spec/containers/0/image at `5`: the number 5, takes a text: put it in quotes",
        ),
        (
            "tty: \"true\"",
            "/spec/template/spec/containers/0/tty at `\"true\"`: the text \"true\", takes true or false: take the quotes away: true",
        ),
        (
            "ports: [{name: http}]",
            "/spec/template/spec/containers/0/ports/0/containerPort at `{`: missing a port: 1 to 65535",
        ),
        (
            "ports: [{containerPort: \"80\"}]",
            "/spec/template/spec/containers/0/ports/0/containerPort at `\"80\"`: the text \"80\", takes a port: 1 to 65535: take the quotes away: 80",
        ),
        (
            "ports: {containerPort: 80}",
            "/spec/template/spec/containers/0/ports at `{`: a map, takes a list: begin each element with a dash: `- …`",
        ),
        (
            "resources: {limits: {memory: 1Gb}}",
            "/spec/template/spec/containers/0/resources/limits/memory at `1Gb`: the text \"1Gb\", takes an amount such as 500m, 2 or 256Mi: write an amount such as 500m, 2 or 256Mi",
        ),
        (
            "env: [{name: a, value: true}]",
            "/spec/template/spec/containers/0/env/0/value at `true`: `true`, takes a text: put it in quotes",
        ),
    ];
    for (container, expected) in cases {
        assert_eq!(says(&own(), &deployment(container)), [expected]);
    }
}

#[test]
fn what_kubernetes_takes_is_no_mistake() {
    let fine = [
        "image: a, resources: {limits: {cpu: 1, memory: 256Mi}, requests: {cpu: 0.5, memory: 1e3}}",
        "image: a, livenessProbe: {httpGet: {port: http}, periodSeconds: 5.0}, command: null",
        "image: a, readinessProbe: {tcpSocket: {port: 80}}, env: [], args: [\"5\"]",
    ];
    for container in fine {
        assert_eq!(says(&own(), &deployment(container)), [""; 0]);
    }
    let status = "apiVersion: v1\nkind: Service\nmetadata: {name: a, creationTimestamp: null}\nstatus: {anything: 5}\n";
    assert_eq!(says(&own(), status), [""; 0]);
}

#[test]
fn words_ports_and_labels_are_those_of_kubernetes() {
    let fine = [
        "imagePullPolicy: Always, terminationMessagePolicy: \"\"",
        "ports: [{containerPort: 65535, hostPort: 0, protocol: SCTP}]",
        "livenessProbe: {httpGet: {port: http-2, scheme: HTTPS}}",
    ];
    for container in fine {
        assert_eq!(says(&own(), &deployment(container)), [""; 0]);
    }
    let bad = [
        ("imagePullPolicy: always", "`always`, none of Always, IfNotPresent, Never"),
        ("imagePullPolicy: 5", "the number 5, takes one of Always, IfNotPresent, Never"),
        ("ports: [{containerPort: 0}]", "the number 0, takes a port: 1 to 65535"),
        ("ports: [{containerPort: 80.5}]", "the number 80.5, takes a port: 1 to 65535"),
        ("livenessProbe: {httpGet: {port: \"80\"}}", "take the quotes away: 80"),
        ("livenessProbe: {httpGet: {port: a--b}}", "the text \"a--b\", takes a port"),
    ];
    for (container, part) in bad {
        let said = says(&own(), &deployment(container));
        assert!(said.len() == 1 && said[0].contains(part), "{container}: {said:?}");
    }
    let head =
        |metadata: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, {metadata}}}\n");
    let good = "labels: {Example_1: \"\", a.example/b: c-D}, annotations: {A.example/b: any text}";
    assert_eq!(says(&own(), &head(good)), [""; 0]);
    for bad in [
        "labels: {A.example/b: c}",
        "labels: {a: -x}",
        "annotations: {a b: c}",
        "labels: {a: 5}",
        "annotations: {a: true}",
    ] {
        assert_eq!(says(&own(), &head(bad)).len(), 1, "{bad}");
    }
}

#[test]
fn names_are_as_long_as_their_kind_lets_them_be() {
    let name = |api: &str, kind: &str, name: &str| {
        let text = format!("metadata: {{name: {name}}}\n");
        let trees = parse_trees(&"apps/a/a.yaml".parse().unwrap(), text.as_bytes()).unwrap();
        bad_name(api, kind, &trees[0]).is_none()
    };
    let long = ["a".repeat(52), "a".repeat(53), "a".repeat(64)];
    assert!(name("batch/v1", "CronJob", &long[0]) && !name("batch/v1", "CronJob", &long[1]));
    assert!(
        name("v1", "Service", &long[1]) && !name("v1", "Service", &long[2]) && !name("v1", "Service", "a.b")
    );
    assert!(name("v1", "Secret", "a.b") && !name("v1", "Secret", "a_b"));
    assert!(name("rbac.authorization.k8s.io/v1", "Role", "system:Any"));
}

#[test]
fn an_empty_key_counts_as_missing() {
    let text =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector:\n  template: {}\n";
    assert_eq!(says(&own(), text), ["/spec/selector at `selector`: missing a map"]);
}

#[test]
fn a_definition_says_what_its_objects_take() {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"group": "example.org", "names": {"kind": "Boat"}, "versions": [{"name": "v1", "schema": {"openAPIV3Schema": {
            "type": "object", "required": ["spec"], "properties": {"spec": {"type": "object", "required": ["length"], "properties": {
                "length": {"type": "integer"}, "port": {"x-kubernetes-int-or-string": true},
                "sail": {"type": "string", "enum": ["main", "jib"]}, "crew": {"type": "array", "items": {"type": "string"}},
                "log": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {"type": "boolean"}}},
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                "pod": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            }}}
        }}}]}
    });
    let kinds = Kinds::with(definitions(&definition));
    let boat = |spec: &str| {
        says(
            &kinds,
            &format!("apiVersion: example.org/v1\nkind: Boat\nmetadata: {{name: a}}\nspec: {{{spec}}}\n"),
        )
    };
    let fine = "length: 5, port: x, sail: jib, crew: [a], log: {a: true, b: 1}, tags: {x: y}, pod: {apiVersion: v1, kind: Pod, metadata: {}, spec: 1}";
    assert_eq!(boat(fine), [""; 0]);
    assert_eq!(boat("lenght: 5"), ["/spec/lenght at `lenght`: no field"]);
    assert_eq!(boat("sail: jib"), ["/spec/length at `spec`: missing a whole number"]);
    assert_eq!(boat("length: 1.5, log: {a: x}").len(), 2);
    assert_eq!(boat("length: 5, sail: jibb"), ["/spec/sail at `jibb`: `jibb`, none of main, jib"]);
    assert_eq!(kinds.find("example.org/v2", "Boat"), Kind::Unknown);
}

#[test]
fn a_kind_is_known_gone_wrong_or_anothers() {
    let kinds = own();
    assert!(matches!(kinds.find("v1", "Pod"), Kind::Fields(_)));
    let meant = [
        ("v1", "Pood", "did you mean `Pod`?"),
        ("v1", "Deployment", "write `apiVersion: apps/v1`"),
        ("autoscaling/v3", "HorizontalPodAutoscaler", "write `apiVersion: autoscaling/v2`"),
        ("networking.k8s.io/v1", "Boat", "kubectl api-resources lists what there is"),
    ];
    for (api, kind, meant) in meant {
        assert_eq!(kinds.find(api, kind), Kind::Wrong(meant.to_owned()));
    }
    assert_eq!(kinds.find("helm.cattle.io/v1", "HelmChart"), Kind::There);
    assert_eq!(kinds.find("example.org/v1", "Boat"), Kind::Unknown);
    let gone = Removed { minor: 25, now: Some("batch/v1") };
    assert_eq!(kinds.find("batch/v1beta1", "CronJob"), Kind::Removed(gone));
}

#[test]
fn what_is_gone_is_nowhere_and_what_took_its_place_is_there() {
    let kinds = own();
    let all =
        removed::REMOVED.iter().flat_map(|(api, _, all, now)| all.iter().map(move |kind| (api, kind, now)));
    for (api, kind, now) in all {
        assert!(!matches!(kinds.find(api, kind), Kind::Fields(_)), "{api} {kind}");
        assert!(now.is_empty() || matches!(kinds.find(now, kind), Kind::Fields(_)), "{now} {kind}");
    }
}

#[test]
fn every_word_of_the_table_leads_somewhere() {
    let kinds = own();
    let types = kinds.lines.iter().filter(|(key, _)| !key.contains('/'));
    for (name, line) in types {
        for (field, Field { shape, .. }) in Object::of_line(line).fields {
            let mut shape = &shape;
            while let Shape::List(inner) | Shape::Map(inner) = shape {
                shape = inner;
            }
            let known = |name: &str| kinds.lines.contains_key(name);
            assert!(!matches!(shape, Shape::Type(inner) if !known(inner)), "{name}.{field}");
        }
    }
}
