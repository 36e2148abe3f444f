//! How long a lookup takes, and taking in a host of 10,000 cgroups.

use std::{
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use criterion::{BatchSize, Criterion};
use probe_user::{
    identity::{Attachment, ContainerId, Directory, Facts, Runtime},
    ids::CgroupId,
};

/// Every fifth is a container's own, the four others are within it.
const CGROUPS: usize = 10_000;
const PER_CONTAINER: usize = 5;

fn id(number: usize) -> ContainerId {
    ContainerId::new(&format!(
        "{:064x}",
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    ))
}

fn paths() -> Vec<(CgroupId, String)> {
    let path = |number: usize| {
        let own = format!("/system.slice/docker-{}.scope", id(number / PER_CONTAINER));
        match number % PER_CONTAINER {
            0 => own,
            inner => format!("{own}/system.slice/inner-{inner}.service"),
        }
    };
    let numbered = (0..CGROUPS).map(|number| (CgroupId(number as u64 + 1), path(number)));
    numbered.collect()
}

fn address(container: usize) -> IpAddr {
    let number = u32::try_from(container).unwrap_or(u32::MAX);
    Ipv4Addr::from_bits(0x0a00_0001 + number).into()
}

fn facts(container: usize) -> Facts {
    let label = |n: usize| (format!("label-{n}"), format!("value-{container}-{n}"));
    Facts {
        name: Some(format!("service-{container}")),
        image: Some("registry.example/service:1".to_owned()),
        labels: Some((0..8).map(label).collect()),
        networks: Some(vec![Attachment {
            network: "bridge".to_owned(),
            addresses: vec![address(container)],
        }]),
        ..Facts::new(id(container), "unix:///bench".into(), Runtime::Docker)
    }
}

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let paths = paths();
    let directory = Directory::default();
    for (id, path) in &paths {
        directory.cgroup_made(*id, path);
    }
    for container in 0..CGROUPS / PER_CONTAINER {
        directory.upsert(facts(container), Instant::now());
    }
    let counts = directory.counts();
    assert_eq!(
        (counts.cgroups, counts.containers),
        (CGROUPS, CGROUPS / PER_CONTAINER)
    );

    let mut next = 0_u64;
    criterion.bench_function("the container of a cgroup", |b| {
        b.iter(|| {
            // 7,919 is prime: they come in no order.
            next = (next + 7_919) % CGROUPS as u64;
            black_box(directory.container_of(CgroupId(next + 1)))
        });
    });
    let mut next = 0;
    criterion.bench_function("the owner of an address", |b| {
        b.iter(|| {
            next = (next + 7_919) % (CGROUPS / PER_CONTAINER);
            black_box(directory.owner_of(address(next)))
        });
    });
    criterion.bench_function("10,000 cgroups taken in", |b| {
        b.iter_batched(
            Directory::default,
            |directory| {
                for (id, path) in &paths {
                    directory.cgroup_made(*id, path);
                }
                directory
            },
            BatchSize::LargeInput,
        );
    });
    criterion.final_summary();
}
