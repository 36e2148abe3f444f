//! Every family of sockets, and every way to send and to receive, between containers of a real engine:
//! every edge there, none that is not, and each to the byte as the workloads counted.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use probe_tests::{Container, Engine, Network, Probe, image, tally::Tally};
use serde_json::Value;

use crate::{counts, nothing_lost};

const SOON: Duration = Duration::from_secs(20);
/// A bridge of both families, which needs no packet filter.
const DUAL_STACK: &[&str] = &[
    "--iptables=false",
    "--ipv6",
    "--fixed-cidr-v6=fd00:7072:6f62::/64",
];
/// Of each talk.
const CONNECTIONS: u64 = 5;
/// Who has gone has no address any more, where an engine is slow to be asked.
const STAYS: &str = "serve --concurrency 1 --port 7099";
const MPTCP: &str = " --mptcp --request 8-100000 --response 0-100000";

/// What of an edge the probe is to tell.
#[derive(Clone, Copy)]
enum Told {
    All,
    /// The kernel's own splicing makes as many calls as it likes.
    NoCalls,
    /// MPTCP's calls are its own; its connections and bytes are those of the TCP it is made of, with
    /// what it sends again on its own account.
    AtLeast,
    /// There is no edge: none of the probe's protocols, and not to be taken for one.
    Nothing,
}

/// Who talks to `server`, and how: command lines of the workload, in which `4` and `6` in braces are
/// the server's addresses.
struct Talk {
    from: &'static str,
    /// The edge's protocol, and its port or path.
    place: String,
    ask: String,
    /// `None` when nobody is to answer.
    serve: Option<String>,
    told: Told,
}

impl Talk {
    fn new(from: &'static str, place: &str, ask: &str, serve: &str) -> Self {
        Self {
            from,
            place: place.to_owned(),
            ask: format!("{ask} --connections {CONNECTIONS}"),
            serve: Some(serve.to_owned()),
            told: Told::All,
        }
    }

    fn told(self, told: Told) -> Self {
        Self { told, ..self }
    }

    fn tcp(from: &'static str, address: &str, port: u16, ask: &str, serve: &str) -> Self {
        let ask = format!("connect --to {address}:{port}{ask}");
        let serve = format!("serve --concurrency 1 --port {port}{serve}");
        Self::new(from, &format!("tcp:{port}"), &ask, &serve)
    }

    fn udp(from: &'static str, address: &str, port: u16, ask: &str, at: &str) -> Self {
        let ask = format!("ask --to udp:{address}:{port}{ask}");
        let serve = format!("answer --at udp:{at}:{port}");
        Self::new(from, &format!("udp:{port}"), &ask, &serve)
    }

    /// `beside` is in the server's network namespace, which abstract names are of.
    fn unix(kind: &str, name: &str, ask: &str) -> Self {
        let ask = format!("ask --to {kind}:{name}{ask}");
        let serve = format!("answer --at {kind}:{name}");
        Self::new("beside", &format!("unix:@{name}"), &ask, &serve)
    }
}

fn talks() -> Vec<Talk> {
    let mut talks = vec![
        Talk::tcp("client", "{4}", 7000, "", " --address 0.0.0.0"),
        Talk::tcp("client", "[{6}]", 7001, "", ""),
        Talk::tcp("client", "[::ffff:{4}]", 7002, "", ""),
        Talk::tcp("client", "{4}", 7003, MPTCP, " --mptcp").told(Told::AtLeast),
        Talk {
            serve: None,
            ..Talk::tcp("client", "[{6}]", 7004, "", "")
        },
        Talk::udp("client", "{4}", 7020, "", "0.0.0.0"),
        Talk::udp("client", "{4}", 7021, " --connected", "0.0.0.0"),
        Talk::udp("client", "[{6}]", 7022, "", "[::]"),
        Talk::udp("client", "[{6}]", 7023, " --connected", "[::]"),
        Talk::udp("client", "[::ffff:{4}]", 7024, "", "[::]"),
        Talk::udp("client", "[::ffff:{4}]", 7025, " --connected", "[::]"),
        Talk::tcp("beside", "127.0.0.1", 7040, "", ""),
        Talk::tcp("beside", "[::1]", 7041, "", ""),
        Talk::udp("beside", "127.0.0.1", 7042, "", "127.0.0.1"),
        Talk::unix("stream", "stream", ""),
        Talk::unix("seqpacket", "seqpacket", ""),
        // Who sends a datagram without a name gets no answer.
        Talk::unix("dgram", "dgram", " --response 0"),
        Talk::unix("stream", "stream-named", " --name one"),
        Talk::unix("seqpacket", "seqpacket-named", " --name two"),
        Talk::unix("dgram", "dgram-named", " --name three"),
    ];
    for (port, (send, receive, told)) in (7010..).zip([
        ("write", "read", Told::All),
        ("zerocopy", "peek", Told::All),
        ("sendmmsg", "truncate", Told::All),
        ("sendfile", "recvmmsg", Told::NoCalls),
        ("splice", "splice", Told::NoCalls),
        ("uring", "uring", Told::All),
    ]) {
        let ways =
            format!(" --send {send} --receive {receive} --request 8-200000 --response 0-300000");
        talks.push(Talk::tcp("client", "{4}", port, &ways, "").told(told));
    }
    if has_sctp() {
        let (ask, serve) = ("ask --to sctp:{4}:7030", "answer --at sctp:7030");
        talks.push(Talk::new("client", "sctp:7030", ask, serve).told(Told::Nothing));
    }
    talks
}

/// Not every kernel is built with it.
fn has_sctp() -> bool {
    let (family, kind) = (AddressFamily::Inet, SockType::Stream);
    match socket(family, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::Sctp) {
        Ok(_) => true,
        Err(Errno::EPROTONOSUPPORT) => {
            println!("without SCTP: this kernel has none");
            false
        }
        Err(error) => panic!("no SCTP socket: {error}"),
    }
}

/// A workload on `network` that runs all these command lines.
fn run<'engine>(
    engine: &'engine Engine,
    name: &str,
    network: &str,
    lines: impl Iterator<Item = String>,
) -> Container<'engine> {
    let lines: Vec<_> = lines.collect();
    Container::of(engine, &image::WORKLOAD, name)
        .unwrap()
        .option("--network")
        .option(network)
        // Engines differ in whether io_uring is let through.
        .option("--security-opt=seccomp=unconfined")
        .command(lines.join(" -- ").split(' '))
        .run()
        .unwrap()
}

/// That the ends agree, and that the edge, if there is to be one, says what they did.
#[track_caller]
fn agree(talk: &Talk, edge: Option<&Value>, asked: &Tally, answered: Option<&Tally>) {
    let place = &talk.place;
    if let Some(answered) = answered {
        assert_eq!(asked.connections, CONNECTIONS, "{place}: {asked:?}");
        assert_eq!(asked.failures, 0, "{place}: {asked:?}");
        assert_eq!(asked.bytes_sent, answered.bytes_received, "{place}");
        assert_eq!(asked.bytes_received, answered.bytes_sent, "{place}");
    } else {
        assert_eq!(asked.failures, CONNECTIONS, "{place}: {asked:?}");
    }
    let Some(edge) = edge else { return };
    let (protocol, _) = place.split_once(':').unwrap();
    let join = match protocol {
        "udp" => "tuple",
        "unix" => "peer",
        // Nobody answered: its address is the engine's word.
        _ if answered.is_none() => "tuple",
        _ => "sequence",
    };
    assert_eq!(edge["join"], join, "{edge:#}");
    assert_eq!(edge["joins"][join], CONNECTIONS, "{edge:#}");
    let connections = [
        ("connections_opened", asked.connections),
        ("connections_failed", asked.failures),
    ];
    counts(edge, &connections);
    if protocol == "tcp" {
        counts(edge, &[("connections_closed", asked.connections)]);
    } else {
        assert!(edge["connections_closed"].is_null(), "{edge:#}");
    }
    let bytes = [
        ("bytes_sent", asked.bytes_sent),
        ("bytes_received", asked.bytes_received),
    ];
    match talk.told {
        Told::AtLeast => {
            for (key, least) in bytes {
                assert!(edge[key].as_u64().unwrap() >= least, "{key} of {edge:#}");
            }
        }
        _ => counts(edge, &bytes),
    }
    if matches!(talk.told, Told::All) {
        counts(
            edge,
            &[("sends", asked.sends), ("receives", asked.receives)],
        );
    }
}

#[test]
fn every_family_and_every_way_is_exact_between_containers() {
    let talks = talks();
    let engine = Engine::start_with(DUAL_STACK).unwrap();
    let network = Network::default_bridge(&engine);
    let serve = talks.iter().filter_map(|talk| talk.serve.clone());
    let server = run(&engine, "server", "bridge", serve);
    server.wait_for_line("serving", SOON).unwrap();
    let (v4, v6) = (server.ip(&network).unwrap(), server.ip6(&network).unwrap());
    let (v4, v6) = (v4.to_string(), v6.to_string());
    let probe = Probe::graph(&engine, &[]).unwrap();
    let ask = |name: &str, network: &str| {
        let of = talks.iter().filter(|talk| talk.from == name);
        let lines = of.map(|talk| talk.ask.replace("{4}", &v4).replace("{6}", &v6));
        run(&engine, name, network, lines.chain([STAYS.to_owned()]))
    };
    let client = ask("client", "bridge");
    let beside = ask("beside", "container:server");
    for asking in [&client, &beside] {
        asking.wait_for_line("serving", SOON).unwrap();
    }
    let graph = probe.finish().unwrap();
    let [answered, by_client, by_beside] = [&server, &client, &beside].map(|container| {
        container.stop().unwrap();
        container.tallies().unwrap()
    });

    let found = graph.places_of(&["server", "client", "beside"]);
    let edge_of = |talk: &Talk| [talk.from, "server", &talk.place].map(str::to_owned);
    let told = talks
        .iter()
        .filter(|talk| !matches!(talk.told, Told::Nothing));
    let mut expected: Vec<_> = told.map(edge_of).collect();
    expected.sort();
    let places: Vec<_> = found.iter().map(|(place, _)| place.clone()).collect();
    assert_eq!(places, expected);

    let (mut by_client, mut by_beside) = (by_client.iter(), by_beside.iter());
    let mut answered = answered.iter();
    for talk in &talks {
        let asking = match talk.from {
            "client" => &mut by_client,
            _ => &mut by_beside,
        };
        let edge = found.iter().find(|(place, _)| *place == edge_of(talk));
        let answered = talk.serve.as_ref().map(|_| answered.next().unwrap());
        agree(
            talk,
            edge.map(|(_, edge)| *edge),
            asking.next().unwrap(),
            answered,
        );
    }
    let addresses = &graph.node("server").unwrap()["addresses"];
    for address in [v4, v6] {
        let addresses = addresses.as_array().unwrap();
        assert!(addresses.contains(&address.into()), "{addresses:?}");
    }
    nothing_lost(&graph);
}
