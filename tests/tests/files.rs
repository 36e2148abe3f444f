//! `probe traffic --files` and `probe top files`: what is read from and written to files, byte for byte.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::env;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use probe_tests::tally::Tally;
use probe_tests::{Container, Engine, Probe, Terminal, image, objects, place, programs, workload};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(20);

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
        "--no-redact",
        "--filter",
        &format!("{own} and fd.type = pipe and evt.dir = in"),
    ]);
    container.exec(["touch", "/go"]).unwrap();
    container.wait_for_line("done", SOON).unwrap();
    let known = "password=hush&one=1\ntwo\n";
    let raw = raw.interrupt().unwrap();
    let all = objects(&raw.stdout).unwrap();
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

    let pipes = objects(&pipes.interrupt().unwrap().stdout).unwrap();
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
    let numbers = objects(&printed.stdout)
        .unwrap()
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
fn the_bytes_of_a_file_add_up_to_what_the_workload_moved() {
    let engine = Engine::start().unwrap();
    let words = "file --path /written --writes 3000 --bytes 1000 --pace 2 --reads 2 --after /go";
    let container = Container::of(&engine, &image::WORKLOAD, "writer").unwrap();
    let container = container.command(words.split(' ')).run().unwrap();
    let filter = "container.name = writer and fd.name = /written";
    let words = ["-o", "json", "--interval", "500ms", "--filter", filter];
    let mut top = top(&engine, &words);
    engine
        .docker(["cp", "/etc/hostname", "writer:/go"])
        .unwrap();
    let mut moved = [0, 0];
    while moved != [6_000_000, 3_000_000] {
        let line = line(&mut top);
        assert_eq!(
            (&line["command"], &line["path"]),
            (&"workload".into(), &"/written".into())
        );
        for (sum, key) in moved.iter_mut().zip(["bytes_read", "bytes_written"]) {
            *sum += line[key].as_u64().unwrap();
        }
        assert!(moved[0] <= 6_000_000 && moved[1] <= 3_000_000, "{moved:?}");
    }
    let tally = container.tally().unwrap();
    assert_eq!([tally.bytes_received, tally.bytes_sent], moved);
    let printed = top.interrupt().unwrap();
    assert_eq!(printed.stdout, "");
    let last = printed.stderr.lines().last().unwrap();
    assert!(last.starts_with("tracing"), "{}", printed.stderr);
}

#[test]
fn what_finds_no_room_is_in_its_containers_rest_and_said() {
    // One more than there is room for, and again as many.
    const FILES: u64 = 2 * 16_385;
    let engine = Engine::start().unwrap();
    let script = format!(
        "until [ -e /go ]; do sleep 0.1; done; mkdir /d; i=0
         while [ $i -lt {FILES} ]; do echo x > /d/$i; i=$((i+1)); done; sleep 600"
    );
    let container = Container::of(&engine, &image::BUSYBOX, "writer").unwrap();
    let container = container.command(["sh", "-c", &script]).run().unwrap();
    let words = [
        "-o",
        "json",
        "--interval",
        "4s",
        "--filter",
        "container.name = writer",
    ];
    let mut top = top(&engine, &words);
    container.exec(["touch", "/go"]).unwrap();
    let (mut written, mut rest) = (0, 0);
    while written < FILES * 2 {
        let line = line(&mut top);
        let bytes = line["bytes_written"].as_u64().unwrap();
        if line["path"].is_null() {
            rest += bytes;
            written += bytes;
        } else if line["path"].as_str().unwrap().starts_with("/d/") {
            assert_eq!(bytes, 2, "{line:#}");
            written += bytes;
        }
    }
    let said = top.interrupt().unwrap().stderr;
    // Where the machine is slow, there are intervals enough for room.
    assert_eq!(
        rest > 0,
        said.contains("more files than there is room for"),
        "{rest} {said}"
    );
}

/// `probe top files`, read line by line.
fn top(engine: &Engine, words: &[&str]) -> Probe {
    Probe::unread(engine, ["top", "files"].iter().chain(words)).unwrap()
}

fn line(top: &mut Probe) -> Value {
    serde_json::from_str(&top.line().unwrap()).unwrap()
}

#[test]
fn its_program_is_loaded_only_when_it_is_asked_for() {
    let loaded = |words: &[&str]| {
        let (mut programs, _) = programs::loaded_by(words).unwrap();
        programs.retain(|name| name.ends_with("_files"));
        programs
    };
    assert_eq!(loaded(&["traffic", "--files"]), ["traffic_files"]);
    assert_eq!(loaded(&["top", "files"]), ["top_files"]);
    for words in [
        &["traffic"][..],
        &["graph"],
        &["events"],
        &["top", "containers"],
        &["run", "-o", "lines"],
    ] {
        assert_eq!(loaded(words), Vec::<String>::new(), "{words:?}");
    }
}

#[test]
fn on_a_screen_its_program_is_loaded_while_the_list_is_shown() {
    let engine = Engine::start().unwrap();
    let words = "file --path /written --writes 1000000 --bytes 1000 --pace 1";
    let container = Container::of(&engine, &image::WORKLOAD, "writer").unwrap();
    let _writer = container.command(words.split(' ')).run().unwrap();
    let mut terminal = Terminal::start(&engine, &["top"], (100, 24)).unwrap();
    let show = |terminal: &mut Terminal, key: &str, sought: &str| {
        terminal.press(key).unwrap();
        terminal
            .wait_for(sought, |screen| screen.contains(sought))
            .unwrap();
        let programs = programs::of(terminal.probe()).unwrap();
        programs.iter().any(|program| program.name == "top_files")
    };
    for _ in 0..2 {
        assert!(!show(&mut terminal, "1", "CPU%▼"));
        assert!(show(&mut terminal, "6", "/written"));
    }
    terminal.press("q").unwrap();
    assert!(terminal.ended().unwrap().success());
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
