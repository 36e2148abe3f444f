//! Completions and manual pages, by the programs that read them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use probe_tests::{debian, place};

/// What a command prints, which must succeed and complain of nothing.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{command:?}: {}\n{errors}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

fn probe(args: &[&str]) -> String {
    printed(Command::new(place::probe()).args(args))
}

/// Loads what `probe completions` prints as a login shell does, and asks for `words` to be completed.
fn completed_by_bash(directory: &Path, words: &[&str]) -> Vec<String> {
    let script = directory.join("probe");
    fs::write(&script, probe(&["completions", "bash"])).unwrap();
    let ask = r#"
        source "$0"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        read -r function < <(complete -p probe | sed 's/.*-F \([^ ]*\) .*/\1/')
        "$function" "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
        if (( ${#COMPREPLY[@]} )); then printf '%s\n' "${COMPREPLY[@]}"; fi
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", ask]).arg(&script).args(words);
    printed(&mut bash).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    let directory = tempfile::tempdir().unwrap();
    let check = |words: &[&str], expected: &[&str]| {
        assert_eq!(completed_by_bash(directory.path(), words), expected);
    };
    check(&["probe", "gr"], &["graph"]);
    check(&["probe", "graph", "--dur"], &["--duration"]);
    check(&["probe", "graph", "--output", "m"], &["mermaid"]);
    check(&["probe", "top", "con"], &["containers", "connections"]);
    check(&["probe", "traffic", "--max"], &[]);
}

#[test]
fn zsh_and_fish_take_what_is_printed_for_them() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["zsh", "fish"] {
        let script = directory.path().join(shell);
        fs::write(&script, probe(&["completions", shell])).unwrap();
        let program = debian::program(shell).unwrap().file();
        printed(Command::new(program).arg("-n").arg(&script));
    }
    // fish also says what it would offer.
    let fish = debian::program("fish").unwrap().file();
    let offered = printed(
        Command::new(fish)
            .args([
                "--no-config",
                "-c",
                "source $argv[1]; complete -C 'probe gr'",
            ])
            .arg(directory.path().join("fish"))
            .env("HOME", directory.path()),
    );
    assert!(offered.starts_with("graph\t"), "{offered}");
}

#[test]
fn every_command_has_a_page_of_which_no_reader_complains() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    probe(&["man", pages.to_str().unwrap()]);
    let help = probe(&["--help"]);
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        // What its description goes on in is further in.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help");
    let expected: BTreeSet<_> = commands
        .map(|command| format!("probe-{command}.1"))
        .chain(["probe.1".to_owned()])
        .collect();
    assert!(expected.contains("probe-graph.1"), "{expected:?}");
    let made = pages.read_dir().unwrap();
    let made: BTreeSet<_> = made
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(made, expected);

    let mandoc = debian::program("mandoc").unwrap().file();
    for page in made {
        let file = pages.join(&page);
        printed(
            Command::new(&mandoc)
                .args(["-T", "lint", "-W", "warning"])
                .arg(&file),
        );
        let text = printed(Command::new("man").args(["--warnings", "-l"]).arg(&file));
        assert!(text.contains("NAME"), "{page}: {text}");
    }
}
