use super::*;
use crate::identity::ecs::samples;

#[test]
fn everything_known_is_in_the_document() {
    let mut text = Vec::new();
    let stats = samples::stats();
    write(&samples::here(), Some(&stats), "ip-10-0-0-7", &mut text).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for list in ["tasks", "services"] {
        for item in json[list].as_array_mut().unwrap() {
            // Ages depend on when the test runs; that they are there does not.
            if item["age"].is_number() {
                item["age"] = "…".into();
            }
        }
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}
