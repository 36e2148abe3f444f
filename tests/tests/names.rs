//! Addresses elsewhere are called as somebody here has looked them up, which the probe overhears: it
//! asks nobody.

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::{fs, net::UdpSocket, process::Command, time::Duration};

use probe_tests::{Container, Engine, Network, Probe, image, image::Image, place};
use probe_user::identity::cgroup::CgroupMount;
use probe_user::kernel::answers::Answers;
use probe_user::kernel::object::{Asked, Object};
use probe_user::kernel::programs::{CALLS_OF_EVERY_FAMILY, Capability, DATAGRAM_PEERS, NAMES};
use serde_json::Value;
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(20);

/// A name server that knows one name of two addresses.
const SERVER: Image = Image {
    name: "dnsmasq",
    fill: |root| {
        root.program("dnsmasq")?;
        let names = "198.51.100.1 shop.example\n198.51.100.2 shop.example\n";
        root.file("etc/names", names, 0o644)
    },
    changes: &[
        "ENTRYPOINT [\"/usr/sbin/dnsmasq\", \"--no-daemon\", \"--user=root\", \"--no-resolv\", \
         \"--no-hosts\", \"--addn-hosts=/etc/names\", \"--pid-file=\", \"--local=/example/\"]",
    ],
};

fn ip(engine: &Engine, words: &str) {
    let output = engine.beside("ip").args(words.split(' ')).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {words}: {complaint}");
}

/// A machine beside the engine's, with these addresses and nobody at home: the engine's own kernel
/// would see who is.
struct Outside(String);

impl Outside {
    fn connect(engine: &Engine) -> Self {
        let name = format!("probe-outside-{}", std::process::id());
        ip(engine, &format!("netns add {name}"));
        let outside = Self(name);
        let name = &outside.0;
        ip(
            engine,
            &format!("link add outside type veth peer name uplink netns {name}"),
        );
        ip(engine, "address add 198.51.100.254/24 dev outside");
        ip(engine, "link set outside up");
        for host in 1..=3 {
            ip(
                engine,
                &format!("-n {name} address add 198.51.100.{host}/24 dev uplink"),
            );
        }
        ip(engine, &format!("-n {name} link set uplink up"));
        ip(
            engine,
            &format!("-n {name} route add default via 198.51.100.254"),
        );
        outside
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // One that was not made cannot be removed.
        let _ = Command::new("ip")
            .args(["netns", "delete", &self.0])
            .output();
    }
}

/// Of the nodes elsewhere with such addresses: id, name, and how many they stand for.
fn outsiders(graph: &Value) -> Vec<(&str, &str, Option<u64>)> {
    let nodes = graph["nodes"].as_array().unwrap().iter();
    let outside = |node: &&Value| {
        let addresses = node["addresses"].as_array();
        let first = addresses.and_then(|all| all.first()?.as_str());
        node["kind"] == "external" && first.is_some_and(|first| first.starts_with("198.51.100."))
    };
    nodes
        .filter(outside)
        .map(|node| {
            let text = |key: &str| node[key].as_str().unwrap();
            (text("id"), text("name"), node["members"].as_u64())
        })
        .collect()
}

#[test]
fn an_address_is_called_as_it_was_looked_up() {
    let engine = Engine::start().unwrap();
    let outside = Outside::connect(&engine);
    let network = Network::create(&engine, "net").unwrap();
    let server = Container::of(&engine, &SERVER, "names").unwrap();
    let server = server.on(&network).run().unwrap();
    server.wait_for_line("dnsmasq", SOON).unwrap();
    // By way of the resolver that Docker puts into the container, which asks ours.
    let client = Container::of(&engine, &image::WORKLOAD, "client").unwrap();
    let client = client
        .on(&network)
        .option("--dns")
        .option(&server.ip(&network).unwrap().to_string())
        .command(["serve", "--port", "7000"])
        .run()
        .unwrap();
    client.wait_for_line("listening", SOON).unwrap();

    let probe = Probe::graph(&engine, &[]).unwrap();
    let said = client.exec(["nslookup", "shop.example"]).unwrap();
    assert!(said.contains("198.51.100.2"), "{said}");
    for host in 1..=3 {
        let to = format!("198.51.100.{host}:7000");
        let refused = client
            .exec(["/bin/workload", "connect", "--to", &to])
            .unwrap();
        assert!(refused.contains("\"failures\":1"), "{refused}");
    }
    let graph = probe.finish().unwrap();
    drop(outside);

    assert_eq!(
        outsiders(&graph.json),
        [
            ("external:198.51.100.1", "shop.example", None),
            ("external:198.51.100.2", "shop.example", None),
            ("external:198.51.100.3", "198.51.100.3", None),
        ]
    );
    assert_eq!(graph.json["losses"]["names_dropped"], 0);

    let dir = TempDir::new().unwrap();
    let saved = dir.path().join("graph.json");
    fs::write(&saved, graph.json.to_string()).unwrap();
    let mut by_name = Command::new(place::probe());
    by_name.args(["graph", "--external", "name", "--output", "json", "--input"]);
    let output = by_name.arg(&saved).output().unwrap();
    let by_name: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        outsiders(&by_name),
        [
            ("external:198.51.100.3", "198.51.100.3", None),
            ("external:shop.example", "shop.example", Some(2)),
        ]
    );
    let to_shop = |edge: &&Value| edge["target"] == "external:shop.example";
    let edge = by_name["edges"].as_array().unwrap().iter().find(to_shop);
    assert_eq!(edge.unwrap()["connections_failed"], 2, "{edge:#?}");
}

/// Also the ways that this kernel takes and has no need of: better ones are in use then. The last one
/// every kernel takes.
#[test]
fn each_way_to_answers_hears_them() {
    const WORDS: &[u8] = b"an answer of no meaning";
    let cgroups = CgroupMount::find().unwrap();
    let server = UdpSocket::bind(("127.0.53.53", 53)).unwrap();
    let client = UdpSocket::bind(("127.0.53.54", 0)).unwrap();
    client.set_read_timeout(Some(SOON)).unwrap();
    let mut heard = Vec::new();
    for (at, way) in NAMES.ways.iter().enumerate() {
        let mut object = Object::load(64, None, &Asked::default()).unwrap();
        let alone = Capability {
            ways: &NAMES.ways[at..=at],
            ..NAMES
        };
        // Of one of them, those who hear of datagrams at all.
        for needed in [&DATAGRAM_PEERS, &CALLS_OF_EVERY_FAMILY] {
            object.attach(needed, cgroups.path()).unwrap();
        }
        if object.attach(&alone, cgroups.path()).is_err() {
            continue;
        }
        let mut answers = Answers::try_from(object.take_map("ANSWERS").unwrap()).unwrap();
        server.send_to(WORDS, client.local_addr().unwrap()).unwrap();
        let mut bytes = [0; 100];
        assert_eq!(client.recv_from(&mut bytes).unwrap().0, WORDS.len());
        let mut messages = Vec::new();
        answers.drain(|message| messages.push(message.to_vec()));
        let name = way[0].name;
        assert!(
            messages.iter().any(|message| message == WORDS),
            "{name}: {messages:?}"
        );
        heard.push(name);
    }
    assert!(heard.len() >= 2, "{heard:?}");
    assert_eq!(heard.last(), Some(&"dns_answers"));
}
