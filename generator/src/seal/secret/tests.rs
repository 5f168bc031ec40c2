use super::*;

fn read(text: &str) -> Vec<Found> {
    secrets(text, &Given::default()).unwrap()
}

fn good(text: &str) -> Plain {
    let mut found = read(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0).secret.unwrap()
}

fn flaws(text: &str, given: &Given) -> Vec<String> {
    let found = secrets(text, given).unwrap();
    let all = found.into_iter().filter_map(|found| found.secret.err()).flatten();
    all.map(|flaw| flaw.to_string()).collect()
}

fn values(plain: &Plain) -> Vec<(&str, &[u8])> {
    plain.values.iter().map(|(key, value)| (key.as_str(), &value.0[..])).collect()
}

const LIVE: &str = r#"
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
  uid: 4b1c
  resourceVersion: "7"
  creationTimestamp: null
  ownerReferences: [{kind: Deployment}]
  labels: {tier: back}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"data": {"password": "aHVudGVyMg=="}}'
    sealedsecrets.bitnami.com/namespace-wide: "true"
    owner: me
type: kubernetes.io/basic-auth
immutable: true
data:
  password: aHVu
  user: |
    bWUtb2
    4teDE=
stringData: {password: "hunter2\n"}
"#;

#[test]
fn what_a_cluster_gave_becomes_a_secret_that_can_be_sealed() {
    let plain = good(LIVE);
    assert_eq!(plain.title(), "shop/db");
    assert_eq!(plain.scope, Scope::NamespaceWide);
    assert_eq!(values(&plain), [("password", &b"hunter2\n"[..]), ("user", b"me-on-x1")]);
    let template = serde_json::to_string(&plain.template).unwrap();
    assert!(template.contains(r#""type":"kubernetes.io/basic-auth""#), "{template}");
    assert!(template.contains(r#""immutable":true"#) && template.contains("tier"), "{template}");
    assert!(template.contains("owner") && !template.contains("ownerReferences"), "{template}");
    for gone in ["aHVudGVyMg", "last-applied", "4b1c", "resourceVersion", "creationTimestamp"] {
        assert!(!template.contains(gone), "{gone} in {template}");
    }
}

#[test]
fn documents_lists_and_json_are_read() {
    let one = |name: &str| {
        format!(
            r#"{{"kind":"Secret","metadata":{{"name":"{name}","namespace":"n"}},"data":{{"a":"\u0059\u0067=="}}}}"#
        )
    };
    let list = |kind: &str| format!(r#"{{"kind":"{kind}","items":[{},{}]}}"#, one("a"), one("b"));
    let texts = [
        (format!("---\n{}\n---\n# none\n---\n{}\n", one("a"), one("b")), ["document 1", "document 2"]),
        (format!("{}\n{}", one("a"), one("b")), ["document 1", "document 2"]),
        (list("List"), ["document 1, item 1", "document 1, item 2"]),
        (format!("---\n{}\n", list("SecretList")), ["document 1, item 1", "document 1, item 2"]),
    ];
    for (text, places) in texts {
        let found = read(&text);
        assert_eq!(found.iter().map(|found| &*found.place).collect::<Vec<_>>(), places, "{text}");
        assert_eq!(found.iter().map(|found| &*found.title).collect::<Vec<_>>(), ["n/a", "n/b"]);
        assert!(found.iter().all(|found| values(found.secret.as_ref().unwrap()) == [("a", &b"b"[..])]));
    }
    let emoji =
        r#"{"kind":"Secret","metadata":{"name":"a","namespace":"n"},"stringData":{"a":"\ud83e\udd80\t"}}"#;
    assert_eq!(values(&good(emoji)), [("a", "🦀\t".as_bytes())]);
}

#[test]
fn each_mistake_is_told_without_a_value() {
    let head = "kind: Secret\nmetadata: {name: db, namespace: shop}\n";
    let cases = [
        ("kind: ConfigMap\ndata: {a: hunter2}".to_owned(), "it is no Secret: its kind is `ConfigMap`"),
        ("data: {a: hunter2}".to_owned(), "it says no `kind`"),
        (head.replace("db", "''") + "stringData: {a: hunter2}", "it has no `metadata.name`"),
        (
            head.replace(", namespace: shop", "") + "stringData: {a: hunter2}",
            "it has no `metadata.namespace`",
        ),
        (head.to_owned(), "it has no values"),
        (head.to_owned() + "data: {a: hunter2!}", "key `a` in `data` is no base64"),
        (head.to_owned() + "data: {a: 31337}", "the value of key `a` is a number, and not a text"),
        (head.to_owned() + "stringData: {a: true}", "the value of key `a` is true or false, and not a text"),
        (head.to_owned() + "stringData: {a: }", "the value of key `a` is nothing, and not a text"),
        (
            head.replace("db,", "db, annotations: [hunter2],") + "stringData: {a: b}",
            "its `metadata.annotations` are no map of texts",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(flaws(&text, &Given::default()), [message], "{text}");
    }
    let bad_key = flaws(&(head.to_owned() + "stringData: {a/b: hunter2, c: 1}"), &Given::default());
    assert!(bad_key.len() == 2 && bad_key[0].starts_with("`a/b` is not a key"), "{bad_key:?}");
}

#[test]
fn what_is_given_fills_in_and_contradictions_are_told() {
    let text = "kind: Secret\nmetadata: {name: db}\nstringData: {a: b}\n";
    let namespace = "shop".parse().ok();
    let given =
        Given { namespace, scope: Some(Scope::ClusterWide), empty: Empty::Allowed, ..Given::default() };
    let mut found = secrets(text, &given).unwrap();
    let plain = found.remove(0).secret.unwrap();
    assert_eq!((plain.title(), plain.scope), ("shop/db".to_owned(), Scope::ClusterWide));
    let other = text.replace("db", "db, namespace: attic");
    assert_eq!(flaws(&other, &given), ["its namespace is `attic`, and not `shop`"]);
    assert_eq!(flaws("kind: Secret\nmetadata: {name: db}\n", &given), [""; 0]);
    let free = Given { scope: Some(Scope::ClusterWide), ..Given::default() };
    assert_eq!(flaws(text, &free), [""; 0]);
}

#[test]
fn text_that_is_no_object_is_told_by_its_place_only() {
    for text in
        ["hunter2", "- hunter2", "kind: Secret\ndata: hunter2\n", "{\"data\": \"hunter2\"", "a: 'hunter2"]
    {
        let error = secrets(text, &Given::default()).unwrap_err();
        assert!(!error.to_string().contains("hunter2") && error.line >= 1, "{error}");
    }
}

#[test]
fn a_given_name_and_namespace_can_be_for_all_or_for_those_that_say_none() {
    let text = "kind: Secret\nmetadata: {name: db, namespace: own}\nstringData: {a: b}\n";
    let bare = "kind: Secret\nmetadata: {name: db}\nstringData: {a: b}\n";
    let title = |text: &str, other, scope| {
        let name = (other == Other::Replaced).then(|| "new".parse().unwrap());
        let given = Given { name, namespace: "given".parse().ok(), other, scope, ..Given::default() };
        secrets(text, &given)
            .unwrap()
            .remove(0)
            .secret
            .map(|plain| plain.title())
            .map_err(|flaws| flaws[0].clone())
    };
    assert!(matches!(title(text, Other::Refused, None), Err(Flaw::OtherNamespace { .. })));
    assert_eq!(title(text, Other::Kept, None).unwrap(), "own/db");
    assert_eq!(title(bare, Other::Kept, None).unwrap(), "given/db");
    assert_eq!(title(bare, Other::Kept, Some(Scope::ClusterWide)).unwrap(), "db");
    assert_eq!(title(text, Other::Replaced, None).unwrap(), "given/new");
}
