//! `probe top` on a terminal, drilled down to what is said over a connection, on a real engine.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::time::Duration;

use probe_tests::{Container, Engine, Network, Terminal, image, programs, wait};

const SOON: Duration = Duration::from_secs(30);
/// Its answer would clear the screen.
const SERVE: &str = "mkdir /www && printf 'in stock: \\033[2J7\\n' > /www/stock && \
                     httpd -p 8080 -h /www && echo listening && sleep 600";

/// Programs that copy what is said, of the probe on the terminal.
fn listening(terminal: &Terminal) -> usize {
    let programs = programs::of(terminal.probe()).unwrap();
    let names = programs.iter().map(|program| program.name.as_str());
    names.filter(|name| name.starts_with("traffic")).count()
}

#[test]
fn one_drills_down_to_what_is_said_and_comes_back() {
    let engine = Engine::start().unwrap();
    let network = Network::create(&engine, "net").unwrap();
    let run = |name, script| Container::shell(&engine, &network, name, script).unwrap();
    let server = run("server", SERVE);
    server.wait_for_line("listening", SOON).unwrap();
    let at = server.ip(&network).unwrap();
    let ask = format!(
        "while :; do wget -q -O /dev/null --header 'Cookie: id=hush' http://{at}:8080/stock; sleep 0.2; done"
    );
    let _client = run("client", &ask);
    let mut terminal = Terminal::start(&engine, &["top", "--sort", "name"], (100, 30)).unwrap();
    terminal
        .wait_for("the containers", |screen| {
            screen.contains("client") && screen.contains("server")
        })
        .unwrap();
    terminal.press("/container.name = client\r\r").unwrap();
    terminal
        .wait_for("its processes", |screen| {
            screen.contains("client › processes") && screen.contains("while")
        })
        .unwrap();
    terminal.press("\r").unwrap();
    terminal
        .wait_for("its connections", |screen| {
            screen.contains("› connections") && screen.contains("8080")
        })
        .unwrap();
    assert_eq!(listening(&terminal), 0, "nobody has asked for payload");

    terminal.press("\r").unwrap();
    terminal
        .wait_for("what is said", |screen| {
            let said = ["GET /stock HTTP/1.1", "in stock: .[2J7", "Cookie: *******"];
            screen.contains("client → server:8080") && said.iter().all(|said| screen.contains(said))
        })
        .unwrap();
    assert!(listening(&terminal) > 0);
    assert!(!terminal.text().contains("hush"), "{}", terminal.text());
    terminal.press("x").unwrap();
    terminal
        .wait_for("bytes", |screen| {
            screen.contains("00000000  47 45 54 20 2f 73 74 6f  63 6b 20")
        })
        .unwrap();
    terminal.press(" ").unwrap();
    terminal
        .wait_for("that it stands still", |screen| screen.contains("paused"))
        .unwrap();
    // A key that comes together with a new size may not be read before the next one.
    for (size, last) in [((20, 5), "? keys  Esc back"), ((300, 100), "q quit")] {
        terminal.resize(size).unwrap();
        terminal
            .wait_for("the last row", |screen| {
                let mut rows = screen.lines().skip(usize::from(size.1) - 1);
                rows.next().is_some_and(|row| row.contains(last))
            })
            .unwrap();
    }

    terminal.press("\x1b").unwrap();
    terminal
        .wait_for("the connections", |screen| {
            screen.contains("RECEIVED") && !screen.contains(" → ")
        })
        .unwrap();
    wait::until("nobody listens any more", SOON, || {
        Ok((listening(&terminal) == 0).then_some(()))
    })
    .unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.ended().unwrap().success());
}

#[test]
fn of_a_published_port_both_ends_are_heard() {
    let engine = Engine::start().unwrap();
    let networks = ["front", "back"].map(|name| Network::create(&engine, name).unwrap());
    let server = Container::of(&engine, &image::BUSYBOX, "server")
        .unwrap()
        .on(&networks[1])
        .publish(8080)
        .command(["sh", "-c", SERVE])
        .run()
        .unwrap();
    server.wait_for_line("listening", SOON).unwrap();
    let at = format!("{}:{}", engine.address(), server.published(8080).unwrap());
    let ask = format!("while :; do wget -q -O /dev/null http://{at}/stock; sleep 0.2; done");
    let _client = Container::shell(&engine, &networks[0], "client", &ask).unwrap();
    let args = ["top", "connections", "--filter", "container.name = client"];
    let mut terminal = Terminal::start(&engine, &args, (160, 60)).unwrap();
    terminal
        .wait_for("the connection", |screen| {
            let is = |line: &str| line.starts_with("client") && line.contains("server");
            screen.lines().any(|line| is(line) && line.contains("8080"))
        })
        .unwrap();
    terminal.press("\r").unwrap();
    terminal
        .wait_for("what both say", |screen| {
            let asked = format!(" {at} (wget");
            let is = |end: &str, verb: &str| {
                let mut lines = screen.lines().filter(|line| line.starts_with("------"));
                lines.any(|line| line.contains(&format!(" {end} {verb} ")))
            };
            screen.contains("client → server:8080")
                && screen.contains(&asked)
                && is("client", "write")
                && is("server", "read")
        })
        .unwrap();
    terminal.press("q").unwrap();
    assert!(terminal.ended().unwrap().success());
}
