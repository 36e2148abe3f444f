use super::*;

/// Stands for a container's id in the paths below: the ids themselves carry nothing.
const HEX: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";
const INNER: &str = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961";
const TASK: &str = "e95a40efbde84cbc8600660a109ec194";
const FARGATE: &str = "c23e5f76c09d438aa1824ca4058bdcab-1234678";

/// A path seen in the field: where, the path with `ID`, `INNER` and `TASK` in place of the ids, and
/// what it says. `|` marks the end of the container's own cgroup.
type Seen = (&'static str, &'static str, Runtime, &'static str);

#[rustfmt::skip] // One row a path.
const CONTAINERS: &[Seen] = &[
    // Docker
    ("opentelemetry-go #3633", "/docker/ID|", Runtime::Docker, HEX),
    ("moby systemd driver, docs/reference/run", "/system.slice/docker-ID.scope|", Runtime::Docker, HEX),
    ("runc cgroups/systemd/v2.go", "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope|", Runtime::Docker, HEX),
    ("Docker below a directory of its own", "/docker-ce/docker/ID|", Runtime::Docker, HEX),
    ("moby #44402, Docker in Docker", "/docker/ID|/docker/INNER", Runtime::Docker, HEX),
    ("moby, cgroup v2 nesting in dind", "/docker/ID|/init", Runtime::Docker, HEX),
    ("systemd in a container", "/system.slice/docker-ID.scope|/system.slice/nginx.service", Runtime::Docker, HEX),
    ("its init, with a cgroup namespace", "/docker/ID|/init.scope", Runtime::Docker, HEX),
    ("runc libcontainer/cgroups, --cgroup-parent", "/my.slice/docker-ID.scope|", Runtime::Docker, HEX),
    ("runc, slice:prefix:name to the cgroupfs driver", "/system.slice:docker:ID|", Runtime::Docker, HEX),
    ("GitHub Actions runners, --cgroup-parent", "/actions_job/ID|", Runtime::Unknown, HEX),
    ("neuvector cgroup_test.go, Debian", "/ID|", Runtime::Unknown, HEX),
    // Podman
    ("podman inspect, CgroupPath", "/machine.slice/libpod-ID.scope|", Runtime::Podman, HEX),
    ("crun #678, crun's own subgroup", "/machine.slice/libpod-ID.scope|/container", Runtime::Podman, HEX),
    ("podman #6434, cgroupfs", "/libpod_parent/libpod-ID|", Runtime::Podman, HEX),
    ("a kind node under podman", "/libpod_parent/libpod-ID|/system.slice/containerd.service", Runtime::Podman, HEX),
    ("podman #5703, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope|", Runtime::Podman, HEX),
    ("podman #6400, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope|/container", Runtime::Podman, HEX),
    ("podman #6400, pod", "/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_INNER.slice/libpod-ID.scope|/container", Runtime::Podman, HEX),
    ("podman pods, root", "/machine.slice/machine-libpod_pod_INNER.slice/libpod-ID.scope|", Runtime::Podman, HEX),
    ("quadlet, --cgroups=split", "/system.slice/web.service/libpod-payload-ID|", Runtime::Podman, HEX),
    ("nomad-driver-podman #248", "/nomad.slice/libpod-ID.scope|", Runtime::Podman, HEX),
    // containerd and Kubernetes
    ("ctr run", "/default/ID|", Runtime::Containerd, HEX),
    ("ctr run, a name given", "/default/redis|", Runtime::Containerd, "redis"),
    ("nerdctl, systemd driver", "/system.slice/nerdctl-ID.scope|", Runtime::Containerd, HEX),
    ("nerdctl rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-ID.scope|", Runtime::Containerd, HEX),
    ("containerd's namespace k8s.io", "/k8s.io/ID|", Runtime::Containerd, HEX),
    ("kubernetes #106514, guaranteed", "/kubepods.slice/kubepods-pod2fc932ce_fdcc_454b_97bd_aadfdeb4c340.slice/cri-containerd-ID.scope|", Runtime::Containerd, HEX),
    ("kubernetes #106514, burstable", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2fc932ce_fdcc_454b_97bd_aadfdeb4c340.slice/cri-containerd-ID.scope|", Runtime::Containerd, HEX),
    ("kubernetes #106514, best effort", "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod2fc932ce_fdcc_454b_97bd_aadfdeb4c340.slice/cri-containerd-ID.scope|", Runtime::Containerd, HEX),
    ("kubernetes #106514, containerd.service", "/system.slice/containerd.service/kubepods-burstable-pod36b6d6be73b1065af369b3985edafa09.slice:cri-containerd:ID|", Runtime::Containerd, HEX),
    ("spire's container info", "/kubepods-besteffort-pod72f7f152_440c_66ac_9084_e0fc1d8a910c.slice:cri-containerd:ID|", Runtime::Containerd, HEX),
    ("containerd #4857, burstable", "/kubepods/burstable/pod89f4f2cb511c3b0b7e5272cff5ec37bf/ID|", Runtime::Unknown, HEX),
    ("Qard/container-info, best effort", "/kubepods/besteffort/pod74c13223-5a00-11e9-b385-42010a80018d/ID|", Runtime::Unknown, HEX),
    ("rt-operator cgroupv1_notes, K3S, guaranteed", "/kubepods/pod74c13223-5a00-11e9-b385-42010a80018d/ID|", Runtime::Unknown, HEX),
    ("kubernetes #95488, dockershim", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pode4193b51_e5f8_4348_90b3_5423cb74e0d1.slice/docker-ID.scope|", Runtime::Docker, HEX),
    ("kind node's pod seen in the node", "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod18640755_cc12_4557_b96e_0f74d5b44d1d.slice/cri-containerd-ID.scope|", Runtime::Containerd, HEX),
    ("kind node's pod seen from the host", "/system.slice/docker-ID.scope|/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod18640755_cc12_4557_b96e_0f74d5b44d1d.slice/cri-containerd-INNER.scope", Runtime::Docker, HEX),
    // CRI-O
    ("runc #4620", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda5c1f8d5_1919_434d_add7_4afaafdaef89.slice/crio-ID.scope|", Runtime::CriO, HEX),
    ("crun under CRI-O", "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-poda5c1f8d5_1919_434d_add7_4afaafdaef89.slice/crio-ID.scope|/container", Runtime::CriO, HEX),
    ("CRI-O, cgroupfs", "/kubepods/besteffort/podb889ec29-d166-4ba6-b98c-bc56d99f2d69/crio-ID|", Runtime::CriO, HEX),
    ("CRI-O, a slice to the cgroupfs driver", "/kubepods-besteffort-podabc.slice:crio:ID|", Runtime::CriO, HEX),
    // ECS
    ("amazon-ecs-agent #4077, v1", "/ecs/TASK/ID|", Runtime::Docker, HEX),
    ("dd-trace-php, cluster between", "/ecs/test-ecs-classic/5a0d5ceddf6c44c1928d367a815d890f/ID|", Runtime::Docker, HEX),
    ("amazon-ecs-agent #3127, v2", "/ecstasks.slice/ecstasks-TASK.slice/docker-ID.scope|", Runtime::Docker, HEX),
    ("amazon-ecs-agent #1119, no task limits", "/docker/ID|", Runtime::Docker, HEX),
    ("amazon-ecs-agent #3834, ECS Anywhere, the same agent", "/ecs/TASK/ID|", Runtime::Docker, HEX),
    ("opentelemetry-js-contrib #2855, Fargate", "/ecs/c23e5f76c09d438aa1824ca4058bdcab/FARGATE|", Runtime::Containerd, FARGATE),
    ("dd-trace-rb #1457, Fargate 1.4", "/ecs/FARGATE|", Runtime::Containerd, FARGATE),
    // LXC and systemd-nspawn
    ("lxc #1275", "/lxc/c1|", Runtime::Lxc, "c1"),
    ("lxd #5603, LXD 3.11", "/lxc.payload/c1|", Runtime::Lxc, "c1"),
    ("lxc #3373, LXC 4", "/lxc.payload.c1|", Runtime::Lxc, "c1"),
    ("lxc #3373, lxc-attach", "/lxc.payload.c1|/.lxc", Runtime::Lxc, "c1"),
    ("Proxmox", "/lxc/101|/ns/system.slice/ssh.service", Runtime::Lxc, "101"),
    ("Incus with Docker inside", "/lxc.payload.web_1|/system.slice/docker-INNER.scope", Runtime::Lxc, "web_1"),
    ("systemd-nspawn(1)", "/machine.slice/systemd-nspawn@fedora.service|/payload/init.scope", Runtime::Nspawn, "fedora"),
];

#[test]
fn containers_are_found_in_paths_seen_in_the_field() {
    assert!(CONTAINERS.len() >= 40);
    for (source, pattern, runtime, id) in CONTAINERS {
        let marked = pattern
            .replace("INNER", INNER)
            .replace("TASK", TASK)
            .replace("FARGATE", FARGATE)
            .replace("ID", HEX);
        let path = marked.replace('|', "");
        let expected = Found {
            runtime: *runtime,
            id: ContainerId::new(id),
            prefix: marked.find('|').unwrap(),
        };
        assert_eq!(container_in(&path), Some(expected), "{source}: {path}");
    }
}

/// Paths that hold no container, and the unit they belong to.
#[rustfmt::skip] // One row a path.
const UNITS: &[(&str, &str, Option<&str>)] = &[
    ("the root", "/", None),
    ("Docker's parent directory", "/docker", None),
    ("moby, BuildKit's steps are no containers", "/docker/buildkit/0pkuzvpxqc3jzxyp5fy2gzx0d", None),
    ("systemd.unit(5)", "/init.scope", Some("init.scope")),
    ("systemd.slice(5)", "/system.slice", Some("system.slice")),
    ("a service", "/system.slice/nginx.service", Some("nginx.service")),
    ("moby's own unit", "/system.slice/docker.service", Some("docker.service")),
    ("a service's subgroup", "/system.slice/systemd-udevd.service/udev", Some("systemd-udevd.service")),
    ("a template's instance", "/system.slice/system-getty.slice/getty@tty1.service", Some("getty@tty1.service")),
    ("logind's session", "/user.slice/user-1000.slice/session-3.scope", Some("session-3.scope")),
    ("a user's slice", "/user.slice/user-1000.slice", Some("user-1000.slice")),
    ("a user's unit", "/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service", Some("dbus.service")),
    ("podman #20910", "/user.slice/user-10000.slice/user@10000.service/user.slice/podman-239302.scope", Some("podman-239302.scope")),
    ("cri-o #8904, conmon is the host's", "/system.slice/crio-conmon-ID.scope", Some("crio-conmon-ID.scope")),
    ("podman's conmon", "/machine.slice/libpod-conmon-ID.scope", Some("libpod-conmon-ID.scope")),
    ("lxc's monitor is the host's", "/lxc.monitor.c1", None),
    ("a virtual machine", "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", Some("machine-qemu\\x2d1\\x2dvm.scope")),
    ("amazon-ecs-agent #3127, the task's slice", "/ecstasks.slice/ecstasks-TASK.slice", Some("ecstasks-TASK.slice")),
    ("amazon-ecs-agent #4077, the task's directory", "/ecs/TASK", None),
    ("a pod's directory", "/kubepods/burstable/podfbc202d3-da21-11e8-ab5e-42010a80014b", None),
    ("kubelet's QoS slice", "/kubepods.slice/kubepods-burstable.slice", Some("kubepods-burstable.slice")),
    ("an id in upper case is none", "/docker/3F2A1B4C5D6E7F8091A2B3C4D5E6F7A8B9C0D1E2F3A4B5C6D7E8F9A0B1C2D3E4", None),
    ("an id cut short is none", "/system.slice/docker-3f2a1b4c5d6e.scope", Some("docker-3f2a1b4c5d6e.scope")),
];

#[test]
fn units_and_parents_are_no_containers() {
    for (source, pattern, unit) in UNITS {
        let path = pattern.replace("TASK", TASK).replace("ID", HEX);
        let unit = unit.map(|unit| unit.replace("TASK", TASK).replace("ID", HEX));
        assert_eq!(container_in(&path), None, "{source}: {path}");
        assert_eq!(unit_in(&path), unit.as_deref(), "{source}: {path}");
    }
}

#[test]
fn fuzz_layout() {
    const ID: &str = "3f2a1b4c5d6e7f8091a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4";
    let seeds = [
        format!("/docker/{ID}"),
        format!("/system.slice/docker-{ID}.scope/init"),
        format!("/ecs/0123456789abcdef0123456789abcdef/{ID}"),
        format!("/ecstasks.slice/ecstasks-0123.slice/docker-{ID}.scope"),
        format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-pod77.slice/cri-containerd-{ID}.scope"
        ),
        format!("/machine.slice/libpod-{ID}.scope/container"),
    ];
    crate::fuzz::run(&seeds, |bytes| {
        let path = String::from_utf8_lossy(bytes);
        let unit = unit_in(&path).map(str::len);
        (
            container_in(&path).map(|found| format!("{:?}", found.runtime)),
            unit,
        )
    });
}
