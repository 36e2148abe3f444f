//! Memory, by Docker's account.

use probe_tests::Engine;

use crate::{SOON, lines, number, shell, top};

#[test]
fn memory_is_as_docker_stats_has_it() {
    let engine = Engine::start().unwrap();
    // Pages of a tmpfs are its own; those of a file that was read once are not counted.
    let script = "dd if=/dev/zero of=/mem/file bs=1M count=64 && \
                  dd if=/dev/zero of=/file bs=1M count=32 && cat /file >/dev/null && \
                  echo ready && sleep 600";
    let options = ["--memory", "256m", "--tmpfs", "/mem"];
    let container = shell(&engine, "holder", &options, script);
    container.wait_for_line("ready", SOON).unwrap();
    let probe = top(&engine, &["containers", "--count", "1"]);
    let printed = probe.wait(SOON).unwrap().stdout;
    let stats = [
        "stats",
        "--no-stream",
        "--format",
        "{{.MemUsage}}",
        "holder",
    ];
    let docker = engine.docker(stats).unwrap();

    let line = &lines(&printed, "name", "holder")[0];
    let ours = number(line, "memory");
    let theirs = bytes(docker.split_once(" / ").unwrap().0);
    assert!(
        (ours / theirs - 1.0).abs() < 0.05,
        "{ours} against {docker}"
    );
    assert!(ours > f64::from(64 << 20), "{ours}");
    assert_eq!(line["memory_limit"], 256 << 20);
    assert_eq!(line["oom_kills"], 0);
    assert_eq!(line["id"], container.id());
}

/// `65.3MiB`, as Docker writes it.
fn bytes(text: &str) -> f64 {
    let end = text.find(|char: char| char.is_alphabetic()).unwrap();
    let factor = match &text[end..] {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        unit => panic!("the unit {unit}"),
    };
    text[..end].parse::<f64>().unwrap() * factor
}
