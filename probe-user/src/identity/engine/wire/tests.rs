use super::*;
use bollard::models::EventActor;

const ID: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";

fn message(
    typ: EventMessageTypeEnum,
    action: &str,
    id: &str,
    attributes: &[(&str, &str)],
) -> EventMessage {
    let attributes = attributes
        .iter()
        .map(|&(k, v)| (k.to_owned(), v.to_owned()));
    EventMessage {
        typ: Some(typ),
        action: Some(action.into()),
        actor: Some(EventActor {
            id: Some(id.into()),
            attributes: Some(attributes.collect()),
        }),
        time: Some(1_700_000_000),
        time_nano: Some(1_700_000_000_000_000_007),
        ..EventMessage::default()
    }
}

#[test]
fn a_container_event_carries_name_image_and_labels() {
    let attributes = [
        ("name", "web"),
        ("image", "nginx:1.27"),
        ("com.example.tier", "front"),
        ("exitCode", "0"),
        ("podId", ""),
    ];
    let event = event(message(
        EventMessageTypeEnum::CONTAINER,
        "die",
        ID,
        &attributes,
    ))
    .unwrap();
    assert_eq!(event.id, ContainerId::new(ID));
    assert_eq!(event.at.as_nanosecond(), 1_700_000_000_000_000_007);
    assert_eq!(event.what, What::Ended);
    assert_eq!(event.name.as_deref(), Some("web"));
    assert_eq!(event.image.as_deref(), Some("nginx:1.27"));
    let labels = BTreeMap::from([("com.example.tier".to_owned(), "front".to_owned())]);
    assert_eq!(event.labels, Some(labels));
}

#[test]
fn a_network_event_names_the_container_among_its_attributes() {
    let attributes = [("container", ID), ("name", "shop"), ("type", "bridge")];
    let message = message(
        EventMessageTypeEnum::NETWORK,
        "disconnect",
        "77",
        &attributes,
    );
    let event = event(message).unwrap();
    assert_eq!(event.id, ContainerId::new(ID));
    assert_eq!(event.what, What::Disconnected("shop".into()));
    assert_eq!(event.name, None);
}

#[test]
fn other_events_tell_nothing() {
    for (typ, action) in [
        (EventMessageTypeEnum::CONTAINER, "exec_start: sh"),
        (EventMessageTypeEnum::CONTAINER, "health_status: healthy"),
        (EventMessageTypeEnum::NETWORK, "create"),
        (EventMessageTypeEnum::IMAGE, "pull"),
    ] {
        assert_eq!(
            event(message(typ, action, ID, &[("name", "x")])),
            None,
            "{action}"
        );
    }
    assert_eq!(event(EventMessage::default()), None);
}

#[test]
fn an_inspection_tells_networks_mode_and_process() {
    let mode = |mode: &str| network_mode(Some(mode.into()));
    assert_eq!(mode("host"), Some(NetworkMode::Host));
    assert_eq!(mode("bridge"), Some(NetworkMode::Own));
    assert_eq!(mode("none"), Some(NetworkMode::Own));
    assert_eq!(mode("container:web"), Some(NetworkMode::Of("web".into())));
    assert_eq!(mode(""), None);

    let endpoint = |v4: &str, v6: &str| EndpointSettings {
        ip_address: Some(v4.into()),
        global_ipv6_address: Some(v6.into()),
        ..EndpointSettings::default()
    };
    let answer = ContainerInspectResponse {
        id: Some(ID.into()),
        name: Some("/web".into()),
        state: Some(ContainerState {
            running: Some(true),
            pid: Some(4711),
            started_at: Some("2026-11-21T05:00:00.5Z".into()),
            finished_at: Some("0001-01-01T00:00:00Z".into()),
            ..ContainerState::default()
        }),
        network_settings: Some(NetworkSettings {
            networks: Some(HashMap::from([
                ("shop".to_owned(), endpoint("172.18.0.2", "fd00::2")),
                ("bridge".to_owned(), endpoint("172.17.0.2", "")),
            ])),
            ..NetworkSettings::default()
        }),
        ..ContainerInspectResponse::default()
    };
    let facts = inspection(answer, &"unix:///docker.sock".into(), Runtime::Docker).unwrap();
    assert_eq!(facts.name.as_deref(), Some("web"));
    assert_eq!(facts.life, Some(Life::Running));
    assert_eq!(facts.pid, Some(4711));
    assert_eq!(facts.started.unwrap().to_string(), "2026-11-21T05:00:00.5Z");
    assert_eq!(facts.finished, None);
    let networks: Vec<_> = facts.networks.unwrap();
    assert_eq!(
        (&*networks[0].network, networks[0].addresses.len()),
        ("bridge", 1)
    );
    assert_eq!(
        (&*networks[1].network, networks[1].addresses.len()),
        ("shop", 2)
    );
}

#[test]
fn a_listed_container_has_its_own_name_not_a_links() {
    let listed = ContainerSummary {
        id: Some(ID.into()),
        names: Some(vec!["/web/db".into(), "/db".into()]),
        state: Some(ContainerSummaryStateEnum::EXITED),
        ..ContainerSummary::default()
    };
    let facts = summary(listed, &"unix:///docker.sock".into(), Runtime::Docker).unwrap();
    assert_eq!(facts.name.as_deref(), Some("db"));
    assert_eq!(facts.life, Some(Life::Ended));
    assert_eq!(facts.networks, None);
}

/// What the engine may answer, to the first fault that serde finds.
#[test]
fn fuzz_docker() {
    const SEEDS: &[&str] = &[
        r#"{"Type":"container","Action":"die","Actor":{"ID":"3f2a","Attributes":{"name":"web","image":"nginx:1.27",
            "exitCode":"0","com.docker.compose.service":"web"}},"scope":"local","time":1700000000,"timeNano":1700000000000000007}"#,
        r#"{"Type":"network","Action":"disconnect","Actor":{"ID":"77","Attributes":{"container":"3f2a","name":"shop"}},
            "time":1700000000}"#,
        r#"{"Id":"3f2a","Names":["/web","/web/db"],"Image":"nginx","State":"running","Labels":{"a":"b"},"HostConfig":
            {"NetworkMode":"container:77"},"NetworkSettings":{"Networks":{"shop":{"IPAddress":"172.18.0.2",
            "GlobalIPv6Address":"fd00::2"}}}}"#,
        r#"{"Id":"3f2a","Name":"/web","State":{"Status":"running","Running":true,"Pid":4294967296,"StartedAt":
            "2026-01-02T03:04:05.6Z","FinishedAt":"0001-01-01T00:00:00Z"},"Config":{"Image":"nginx","Labels":null},
            "HostConfig":{"NetworkMode":"host"},"NetworkSettings":{"Networks":{"shop":{"IPAddress":""}}}}"#,
        r#"{"Version":"20.10.5","ApiVersion":"1.41","Components":[{"Name":"Podman Engine","Version":"4.3"}]}"#,
    ];
    let engine: Arc<str> = "unix:///run/docker.sock".into();
    crate::fuzz::run(SEEDS, |bytes| {
        let event = serde_json::from_slice(bytes).ok().and_then(event);
        let what = event
            .as_ref()
            .map(|event| std::mem::discriminant(&event.what));
        drop(event.map(|event| event.into_facts(Arc::clone(&engine), Runtime::Docker)));
        let listed = serde_json::from_slice(bytes).ok();
        let listed = listed.and_then(|answer| summary(answer, &engine, Runtime::Docker));
        let inspected = serde_json::from_slice(bytes).ok();
        let inspected = inspected.and_then(|answer| inspection(answer, &engine, Runtime::Podman));
        let version = serde_json::from_slice(bytes).map(|version| runtime(&version));
        let life = |facts: &Option<Facts>| facts.as_ref().map(|facts| format!("{:?}", facts.life));
        (what, life(&listed), life(&inspected), version.is_ok())
    });
}
