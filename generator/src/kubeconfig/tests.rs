use super::*;
use crate::k3s::Material;
use jiff::civil::date;
use serde_json::json;

fn made() -> (Material, Zeroizing<String>) {
    let (cluster, person) = ("harbor".parse().unwrap(), "me".parse().unwrap());
    let [edge, worker] = ["edge", "worker"].map(|name| name.parse().unwrap());
    let ip = |last| std::net::Ipv4Addr::new(10, 210, 0, last).into();
    let today = date(2026, 11, 21);
    let material = Material::new(&cluster, today).unwrap();
    let access = Access {
        cluster: &cluster,
        person: &person,
        servers: vec![(&edge, ip(1)), (&worker, ip(2))],
        server_ca: material.certificates[&Authority::Server.certificate()].as_bytes(),
        days: (today, date(2027, 11, 21)),
    };
    let ca = material.certificates[&Authority::Client.certificate()].as_bytes();
    let text = access.file(ca, material.secrets[&Authority::Client.key()].as_bytes()).unwrap();
    (material, text)
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn the_certificate_is_the_authoritys_and_names_the_person() {
    let (material, text) = made();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let user = &file["users"][0]["user"];
    let (_, der) = pem_rfc7468::decode_vec(&decoded(&user["client-certificate-data"])).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=knarr:me, O=system:masters");
    assert_eq!(certificate.validity().not_after.to_datetime().date().to_string(), "2027-11-21");
    let ca = &material.certificates[&Authority::Client.certificate()];
    let (_, ca) = pem_rfc7468::decode_vec(ca.as_bytes()).unwrap();
    let (_, ca) = x509_parser::parse_x509_certificate(&ca).unwrap();
    assert_eq!(certificate.issuer(), ca.subject());
    let key =
        KeyPair::try_from(pem_rfc7468::decode_vec(&decoded(&user["client-key-data"])).unwrap().1).unwrap();
    assert_eq!(certificate.public_key().raw, rcgen::PublicKeyData::subject_public_key_info(&key));
    let server = &file["clusters"][0]["cluster"];
    assert_eq!(server["server"], "https://10.210.0.1:6443");
    let pinned = material.certificates[&Authority::Server.certificate()].as_bytes();
    assert_eq!(decoded(&server["certificate-authority-data"]), pinned);
}

#[test]
fn each_other_server_has_a_context_of_its_own() {
    let file: Value = serde_saphyr::from_str(&made().1).unwrap();
    assert_eq!(file["current-context"], "harbor");
    assert_eq!(file["clusters"][1]["name"], "harbor@worker");
    assert_eq!(file["clusters"][1]["cluster"]["server"], "https://10.210.0.2:6443");
    let context = &file["contexts"][1];
    assert_eq!(
        (&context["name"], &context["context"]["cluster"]),
        (&json!("harbor@worker"), &json!("harbor@worker"))
    );
    assert_eq!(
        (file["users"].as_array().unwrap().len(), &context["context"]["user"]),
        (1, &json!("me@harbor"))
    );
}

#[test]
fn a_key_of_another_authority_signs_nothing() {
    let (material, _) = made();
    let ca = material.certificates[&Authority::Client.certificate()].as_bytes();
    let key = |of: Authority| material.secrets[&of.key()].as_bytes();
    assert!(issuer(ca, key(Authority::Client)).is_some());
    assert!(issuer(ca, key(Authority::Server)).is_none() && issuer(b"", b"").is_none());
}

#[test]
fn others_stay_in_a_file_and_the_new_one_is_current() {
    let new = made().1;
    let there =
        "kind: Config\ncurrent-context: work\nclusters:\n- {name: work, cluster: {server: a}}\nusers: null\n";
    let all = merged(there, &new).unwrap();
    assert_eq!(
        (all["clusters"][0]["name"].as_str(), all["current-context"].as_str()),
        (Some("work"), Some("harbor"))
    );
    let count = |list: &str| all[list].as_array().unwrap().len();
    assert_eq!([count("clusters"), count("contexts"), count("users")], [3, 2, 1]);
    let again = merged(&serde_json::to_string(&all).unwrap(), &new).unwrap();
    assert_eq!(again, all);
}

#[test]
fn another_cluster_of_the_name_is_not_overwritten() {
    let new = made().1;
    let there = "clusters: [{name: harbor, cluster: {certificate-authority-data: other}}]";
    assert_eq!(merged(there, &new), Err(KubeconfigError::Taken("cluster", "harbor".to_owned())));
    for odd in ["- a", "kind: Pod", "clusters: 1", "a: ["] {
        assert_eq!(merged(odd, &new), Err(KubeconfigError::NoKubeconfig), "{odd}");
    }
}
