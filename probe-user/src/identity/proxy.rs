//! docker-proxy: the process that Docker puts before a published port. Its own command line names
//! the container it forwards to.

use std::net::IpAddr;

use procfs::process::Process;

use crate::ids::Pid;

/// What its processes are called.
pub const COMMAND: &str = "docker-proxy";

/// Where a docker-proxy passes on what it accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Forward {
    /// The port it listens on.
    pub listens: u16,
    /// The container's address.
    pub address: IpAddr,
    /// The container's port.
    pub port: u16,
}

impl Forward {
    /// What the process's command line says; `None` when it is gone, hidden, or says nothing.
    #[must_use]
    pub fn of(pid: Pid) -> Option<Self> {
        let process = Process::new(i32::try_from(pid.0).ok()?).ok()?;
        Self::parse(&process.cmdline().ok()?)
    }

    /// Of `docker-proxy -proto tcp -host-ip … -host-port … -container-ip … -container-port …`.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Option<Self> {
        let (program, flags) = arguments.split_first()?;
        if program.rsplit('/').next() != Some(COMMAND) {
            return None;
        }
        Some(Self {
            listens: value(flags, "host-port")?.parse().ok()?,
            address: value(flags, "container-ip")?.parse().ok()?,
            port: value(flags, "container-port")?.parse().ok()?,
        })
    }
}

/// Go's flags: one dash or two, the value behind `=` or in the next word.
fn value<'a>(flags: &'a [String], name: &str) -> Option<&'a str> {
    flags.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix("--").or(word.strip_prefix('-'))?;
        match rest.strip_prefix(name)? {
            "" => flags.get(at + 1).map(String::as_str),
            rest => rest.strip_prefix('='),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Forward> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        Forward::parse(&words)
    }

    #[test]
    fn the_command_line_names_the_container() {
        let forward = Forward {
            listens: 32_768,
            address: "172.17.0.2".parse().unwrap(),
            port: 80,
        };
        for line in [
            "/usr/bin/docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 32768 -container-ip 172.17.0.2 -container-port 80",
            "docker-proxy -proto tcp -host-ip :: -host-port=32768 --container-ip=172.17.0.2 --container-port 80 -use-listen-fd",
        ] {
            assert_eq!(parse(line), Some(forward), "{line}");
        }
        let six = parse("docker-proxy -host-port 1 -container-ip fd00::2 -container-port 2");
        assert_eq!(six.unwrap().address, "fd00::2".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn anything_else_is_no_proxy() {
        for line in [
            "",
            "nginx -host-port 1 -container-ip 172.17.0.2 -container-port 80",
            "docker-proxy",
            "docker-proxy -host-port 1 -container-ip 172.17.0.2",
            "docker-proxy -host-port 1 -container-ip here -container-port 80",
            "docker-proxy -host-port 65536 -container-ip 172.17.0.2 -container-port 80",
            "docker-proxy -container-ip 172.17.0.2 -container-port 80 -host-port",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn this_process_is_none() {
        assert_eq!(Forward::of(Pid(std::process::id())), None);
        assert_eq!(Forward::of(Pid(u32::MAX)), None);
    }
}
