//! What of a filter the kernel sees to, so that less of what nobody wants is copied.

use std::net::IpAddr;

use probe_ebpf::{
    file::{PROTOCOL_FILE, PROTOCOL_PIPE, PROTOCOL_TTY},
    flow::{PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UNIX},
    message::{DIRECTION_RECEIVED, DIRECTION_SENT, Wanted as Kernel},
};

use crate::filter::{
    Field::{self, FdCip, FdCport, FdLip, FdLport, FdRip, FdRport, FdSip, FdSport},
    Filter, Value,
    of::PlaceRecord,
};

/// What of a filter the kernel can decide: the rest is asked here, of what is left.
pub(in crate::cli) fn wanted(filter: &Filter) -> Kernel {
    let mut wanted = Kernel {
        cgroups: filter.refuses_by(PlaceRecord::has).into(),
        ..Kernel::default()
    };
    for (field, value) in filter.certainties() {
        match (field, value) {
            (Field::FdPort | FdCport | FdSport | FdLport | FdRport, Value::Number(port)) => {
                let port = u32::try_from(port).unwrap_or(u32::MAX);
                put(&mut wanted.ports, port);
            }
            (Field::FdIp | FdCip | FdSip | FdLip | FdRip, Value::Address(address)) => {
                let address = match address {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                    IpAddr::V6(v6) => v6,
                };
                put(&mut wanted.addresses, address.octets());
            }
            (Field::ProcPid, Value::Number(pid)) => {
                wanted.pid = u32::try_from(pid).unwrap_or_default();
            }
            (Field::EvtDir | Field::EvtType, Value::Text("in" | "read")) => {
                wanted.direction = DIRECTION_RECEIVED.into();
            }
            (Field::EvtDir | Field::EvtType, Value::Text("out" | "write")) => {
                wanted.direction = DIRECTION_SENT.into();
            }
            (Field::FdType | Field::FdProto, Value::Text(name)) => {
                wanted.protocol = protocol(name).map_or(wanted.protocol, u32::from);
            }
            _ => {}
        }
    }
    wanted
}

/// What the kernel knows of a type or protocol of descriptors.
fn protocol(name: &str) -> Option<u8> {
    Some(match name {
        "tcp" => PROTOCOL_TCP,
        "udp" => PROTOCOL_UDP,
        "unix" => PROTOCOL_UNIX,
        "file" => PROTOCOL_FILE,
        "pipe" => PROTOCOL_PIPE,
        "tty" => PROTOCOL_TTY,
        _ => return None,
    })
}

/// Into the first place that is free, if one is.
fn put<T: Copy + Default + PartialEq>(places: &mut [T], value: T) {
    if let Some(free) = places.iter_mut().find(|place| **place == T::default()) {
        *free = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_decides_what_it_can_of_a_filter() {
        let check = |filter: &str, expected: Kernel| {
            assert_eq!(wanted(&filter.parse().unwrap()), expected, "{filter}");
        };
        let nothing = Kernel::default();
        check(
            "fd.port = 80",
            Kernel {
                ports: [80, 0],
                ..nothing
            },
        );
        check(
            "fd.sport=80 and fd.cport=4000 and fd.port=80 and container.name=web",
            Kernel {
                ports: [80, 4000],
                cgroups: 1,
                ..nothing
            },
        );
        let address = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
        let pair = [address("::ffff:10.0.0.1"), address("fd00::2")];
        check(
            "fd.ip=10.0.0.1 and fd.ip=fd00::2",
            Kernel {
                addresses: pair,
                ..nothing
            },
        );
        check(
            "evt.dir = in and proc.pid in (7)",
            Kernel {
                pid: 7,
                direction: DIRECTION_RECEIVED.into(),
                ..nothing
            },
        );
        check(
            "fd.type = pipe and proc.name = cat",
            Kernel {
                protocol: PROTOCOL_PIPE.into(),
                ..nothing
            },
        );
        for undecided in [
            "fd.port = 80 or fd.port = 81",
            "fd.port != 80",
            "not fd.port = 80",
            "fd.port in (80, 81)",
            "fd.port > 80",
            "fd.type = ipv4",
            "proc.name = web",
        ] {
            check(undecided, nothing);
        }
    }
}
