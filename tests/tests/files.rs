//! `probe traffic --files`: what is read from and written to files and pipes, byte for byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::env;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use probe_tests::tally::Tally;
use probe_tests::{Container, Engine, Probe, image, place, programs, workload};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

fn messages(printed: &str) -> Vec<Value> {
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What `command` read or wrote of files with that path, in order, whole.
#[track_caller]
fn moved(messages: &[Value], command: &str, verb: &str, path: &str) -> String {
    let of = |message: &&Value| {
        message["command"] == command && message["type"] == verb && message["path"] == path
    };
    let texts = messages.iter().filter(of).map(|message| {
        assert_eq!(message["bytes"], message["captured"], "{message:#}");
        message["text"].as_str().unwrap()
    });
    texts.collect()
}

#[test]
fn a_file_and_a_pipe_are_shown_byte_for_byte_with_their_paths_as_the_container_sees_them() {
    const SCRIPT: &str = "until [ -e /go ]; do sleep 0.1; done
        mkdir -p /data/deep; printf 'password=hush&one=1\\n' > /data/deep/known; printf 'two\\n' >> /data/deep/known
        cat /data/deep/known | wc -c; dd if=/data/deep/known of=/copy; echo done; sleep 600";
    let engine = Engine::start().unwrap();
    let container = Container::of(&engine, &image::BUSYBOX, "writer").unwrap();
    // A mount within the container: the path goes on through it.
    let container = container.option("--tmpfs=/data");
    let container = container.command(["sh", "-c", SCRIPT]).run().unwrap();
    let start = |words: &[&str]| {
        let words = ["traffic", "--files"].iter().chain(words);
        Probe::start(&engine, words).unwrap()
    };
    let own = "container.name = writer";
    let raw = start(&["-o", "json", "--no-redact", "--filter", own]);
    let text = start(&["--filter", "fd.type = file and fd.name = /data/deep/known"]);
    let pipes = start(&[
        "-o",
        "json",
        "--filter",
        &format!("{own} and fd.type = pipe and evt.dir = in"),
    ]);
    container.exec(["touch", "/go"]).unwrap();
    container.wait_for_line("done", SOON).unwrap();
    let known = "password=hush&one=1\ntwo\n";
    let raw = raw.interrupt().unwrap();
    let all = messages(&raw.stdout);
    assert!(raw.stderr.contains(" 0 lost"), "{}", raw.stderr);
    assert_eq!(moved(&all, "sh", "write", "/data/deep/known"), known);
    assert_eq!(moved(&all, "dd", "read", "/data/deep/known"), known);
    assert_eq!(moved(&all, "dd", "write", "/copy"), known);
    for message in &all {
        assert_eq!(message["container"]["name"], "writer", "{message:#}");
    }
    // busybox has the kernel move them: their bytes are in no memory of a program's before `wc` reads.
    let sent = all
        .iter()
        .filter(|message| message["command"] == "cat" && message["call"] == "sendfile");
    let [from, to] = sent.collect::<Vec<_>>()[..] else {
        panic!("not two ends of one sendfile: {}", raw.stdout)
    };
    assert_eq!(
        (&from["type"], &from["path"]),
        (&"read".into(), &"/data/deep/known".into())
    );
    assert_eq!(
        (&to["type"], &to["protocol"]),
        (&"write".into(), &"pipe".into())
    );
    for end in [from, to] {
        assert_eq!(
            (&end["bytes"], &end["captured"]),
            (&24.into(), &0.into()),
            "{end:#}"
        );
    }
    let pipe = to["path"].as_str().unwrap();
    assert!(pipe.starts_with("pipe:["), "{pipe}");
    assert_eq!(moved(&all, "wc", "read", pipe), known);

    let text = text.interrupt().unwrap().stdout;
    assert!(!text.contains("hush"), "{text}");
    let line = text.lines().find(|line| line.contains("(dd[")).unwrap();
    assert!(
        line.contains(" writer read 24 B from /data/deep/known (dd["),
        "{line}"
    );
    assert!(line.ends_with(" file)"), "{line}");
    assert!(text.contains("\npassword=****&one=1\n"), "{text}");

    let pipes = messages(&pipes.interrupt().unwrap().stdout);
    assert_eq!(moved(&pipes, "wc", "read", pipe), known);
    for message in pipes {
        assert_eq!(
            (&message["protocol"], &message["type"]),
            (&"pipe".into(), &"read".into())
        );
    }
}

#[test]
fn of_ten_thousand_writes_a_second_each_is_shown_or_counted_as_lost() {
    let directory = env::temp_dir().join(format!("probe-files-{}", std::process::id()));
    fs::create_dir(&directory).unwrap();
    let (path, go) = (directory.join("written"), directory.join("go"));
    let mut writer = Command::new(workload::binary().unwrap());
    writer
        .arg("file")
        .arg("--path")
        .arg(&path)
        .arg("--after")
        .arg(&go);
    writer.args(["--writes", "30000", "--bytes", "1024", "--pace", "10"]);
    let writer = writer.stdout(Stdio::piped()).spawn().unwrap();
    // The kernel side sees to the process, the direction and the type: what is lost is of these.
    let (pid, name) = (writer.id(), path.display());
    let filter =
        format!("proc.pid = {pid} and evt.type = write and fd.type = file and fd.name = {name}");
    let probe = Probe::alone(["traffic", "--files", "-o", "json", "--filter", &filter]).unwrap();
    File::create(&go).unwrap();
    let printed = writer.wait_with_output().unwrap();
    let tally = Tally::find(&String::from_utf8(printed.stdout).unwrap()).unwrap();
    let printed = probe.interrupt().unwrap();
    fs::remove_dir_all(&directory).unwrap();
    let numbers = messages(&printed.stdout)
        .iter()
        .map(|message| {
            assert_eq!(message["bytes"], 1024, "{message:#}");
            message["text"].as_str().unwrap().parse::<u64>().unwrap()
        })
        .collect::<Vec<_>>();
    assert!(
        numbers.is_sorted_by(|one, next| one < next),
        "in order, none twice"
    );
    let end = printed.stderr.lines().last().unwrap();
    let lost = end.split_whitespace().rev().nth(1).unwrap();
    let lost = lost.parse::<u64>().unwrap();
    assert_eq!((tally.sends, tally.bytes_sent), (30_000, 30_000 * 1024));
    assert_eq!(numbers.len() as u64 + lost, tally.sends, "{end}");
    assert!(!numbers.is_empty(), "{end}");
}

#[test]
fn its_program_is_loaded_only_when_it_is_asked_for() {
    let loaded = |words: &[&str]| {
        let probe = Probe::alone(words).unwrap();
        let programs = programs::of(probe.pid()).unwrap();
        probe.interrupt().unwrap();
        programs
            .iter()
            .any(|program| program.name == "traffic_files")
    };
    assert!(loaded(&["traffic", "--files"]));
    for words in [
        &["traffic"][..],
        &["graph"],
        &["events"],
        &["run", "-o", "lines"],
    ] {
        assert!(!loaded(words), "{words:?}");
    }
}

#[test]
fn a_filter_that_asks_for_files_without_them_is_wrong_usage() {
    let asked = Command::new(place::probe())
        .args(["traffic", "--filter", "fd.type = file"])
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(2));
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(said.contains("--files"), "{said}");
}
