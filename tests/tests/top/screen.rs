//! On a terminal.

use std::env;
use std::io::Read as _;
use std::process::Command;
use std::thread;

use probe_tests::{Container, Engine, Network, Terminal, image};
use probe_user::views::full_screen::FullScreen;

use crate::SOON;

/// Where it is set, this program is on a terminal and to draw on it.
const DRAWS: &str = "PROBE_TESTS_DRAWS";

#[test]
fn a_terminal_is_drilled_into_resized_and_left_as_it_was() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &image::WORKLOAD, "server")
        .unwrap()
        .on(&network)
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let mut terminal = Terminal::start(&engine, &["top", "--sort", "name"], (80, 24)).unwrap();
    terminal
        .wait_for("the container", |screen| {
            screen.contains("CONTAINER▼") && screen.contains("server")
        })
        .unwrap();
    let to = format!("{}:7000", server.ip(&network).unwrap());
    let client = Container::of(&engine, &image::WORKLOAD, "client")
        .unwrap()
        .on(&network)
        .command(["connect", "--to", &to, "--connections", "10"])
        .run()
        .unwrap();
    client.tally().unwrap();

    terminal.click("CPU%").unwrap();
    terminal
        .wait_for("the sorting column", |screen| screen.contains("CPU%▼"))
        .unwrap();
    terminal.click("CONTAINER").unwrap();
    terminal
        .wait_for("the names", |screen| screen.contains("CONTAINER▼"))
        .unwrap();
    terminal.press("/container.name = server\r").unwrap();
    terminal
        .wait_for("the filter", |screen| {
            screen.contains("container.name = server")
        })
        .unwrap();
    terminal.press("\r").unwrap();
    terminal
        .wait_for("its processes", |screen| {
            screen.contains("server › processes") && screen.contains("/bin/workload serve")
        })
        .unwrap();
    terminal.press("\r").unwrap();
    terminal
        .wait_for("its connections", |screen| {
            screen.contains("› connections") && screen.contains("client") && screen.contains("7000")
        })
        .unwrap();
    terminal.resize((20, 5)).unwrap();
    terminal
        .wait_for("five rows", |screen| {
            screen.lines().count() <= 5 && screen.contains("CLIENT")
        })
        .unwrap();
    terminal.resize((300, 100)).unwrap();
    terminal
        .wait_for("all columns", |screen| screen.contains("RECEIVED"))
        .unwrap();
    terminal.press("\x1b").unwrap();
    terminal
        .wait_for("the way back", |screen| !screen.contains("› connections"))
        .unwrap();
    terminal.press("?").unwrap();
    terminal
        .wait_for("the keys", |screen| {
            screen.contains("sort by another column")
        })
        .unwrap();
    terminal.press("x").unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.ended().unwrap().success());
}

/// What [`a_panic_gives_the_terminal_back`] runs: nothing where it is not asked for.
#[test]
fn draws_and_panics() {
    if env::var_os(DRAWS).is_none() {
        return;
    }
    let mut screen = FullScreen::take(true).unwrap();
    let mut key = [0];
    for text in ["taken", "still there"] {
        let drawn = screen
            .canvas
            .draw(|frame| frame.render_widget(text, frame.area()));
        drawn.unwrap();
        std::io::stdin().read_exact(&mut key).unwrap();
        // What others do is theirs.
        thread::spawn(|| panic!("of another")).join().unwrap_err();
    }
    panic!("of the one who draws");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "screen::draws_and_panics", "--nocapture"]);
    // A backtrace would push what is told off the screen.
    command.env(DRAWS, "1").env("RUST_BACKTRACE", "0");
    let mut terminal = Terminal::run(&command, (80, 24)).unwrap();
    for text in ["taken", "still there"] {
        terminal
            .wait_for(text, |screen| screen.contains(text))
            .unwrap();
        assert!(terminal.is_taken().unwrap(), "{}", terminal.text());
        terminal.press("x").unwrap();
    }
    assert!(!terminal.ended().unwrap().success());
    let told = |screen: &str| screen.contains("of the one who draws");
    terminal.wait_for("why", told).unwrap();
}
