//! On a terminal.

use probe_tests::{Container, Engine, Network, Terminal, image};

use crate::SOON;

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
