//! Tables, CSV and JSON of every list.

use probe_tests::{Container, Engine, Network, Probe, image, objects};
use serde_json::Value;

use crate::{SOON, shell};

#[test]
fn tables_and_csv_have_a_line_each() {
    let engine = Engine::start().unwrap();
    let _container = shell(&engine, "box", &[], "sleep 600");
    let args = ["top", "--filter", "container.name=box", "--count", "2"];
    let table = Probe::start(&engine, args)
        .unwrap()
        .wait(SOON)
        .unwrap()
        .stdout;
    let looks: Vec<&str> = table.split("\n\n").collect();
    assert_eq!(looks.len(), 2, "{table}");
    for look in looks {
        let lines: Vec<&str> = look.trim().lines().collect();
        assert!(
            lines[0].starts_with("CONTAINER") && lines[1].starts_with("box"),
            "{table}"
        );
    }
    let csv = Probe::start(&engine, args.iter().chain(&["-o", "csv"]))
        .unwrap()
        .wait(SOON)
        .unwrap()
        .stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[0].starts_with("time,name,id,"), "{csv}");
    assert!(lines[2].contains(",box,"), "{csv}");
}
