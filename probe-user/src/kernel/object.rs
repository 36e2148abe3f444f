//! The BPF object: offsets found, programs verified and attached.

mod attach;

use std::{io, os::fd::AsFd as _};

use aya::{
    EbpfLoader, include_bytes_aligned, maps::Map, programs::Program as AyaProgram, util::nr_cpus,
};
use aya_log::EbpfLogger;
use probe_ebpf::{field::Field, flow::MAX_OTHERS, hot};

use super::{
    connections::Watch,
    error::LoadError,
    fields::{self, Fields},
    messages::Capture,
    missed,
};
use crate::ids::NetNs;

/// The kernel programs, compiled by the build script.
static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/probe-ebpf"));

/// [`MAX_OTHERS`], as maps count.
#[expect(clippy::cast_possible_truncation, reason = "4096")]
const OTHERS: u32 = MAX_OTHERS as u32;

/// The loaded object. Dropping it detaches every program.
pub struct Object {
    ebpf: aya::Ebpf,
    btf: aya::Btf,
    missing: Vec<(Field, String)>,
    log: Option<EbpfLogger<&'static dyn log::Log>>,
    /// Runs that were left out of programs that are gone.
    missed: u64,
}

/// What may be asked for beyond traffic: there is room for it then.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// What is said.
    pub messages: Option<&'a Capture>,
    /// Connections one by one.
    pub connections: Option<&'a Watch>,
    /// What is used of files.
    pub files: bool,
}

impl Object {
    /// Creates the maps and sets every field's offset; attaches nothing. What is not in the network
    /// namespace `only`, if there is one, will not be looked at.
    pub fn load(max_flows: u32, only: Option<NetNs>, asked: &Asked<'_>) -> Result<Self, LoadError> {
        let Asked {
            messages,
            connections,
            files,
        } = *asked;
        let Fields { offsets, missing } = fields::find()?;
        let btf = aya::Btf::from_sys_fs().map_err(LoadError::AyaBtf)?;
        // As many as the programs' own definition: retired flows keep theirs for a while.
        let counters = max_flows.saturating_mul(2).saturating_add(OTHERS);
        let cpus = nr_cpus().map_err(|(_, error)| LoadError::Cpus(error))?;
        let of_each_cpu = |slots| u32::try_from(cpus * slots).unwrap_or(u32::MAX);
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(&btf))
            .map_max_entries("FLOWS", max_flows)
            .map_max_entries("COUNTERS", counters)
            .map_max_entries("HOT", of_each_cpu(hot::SLOTS))
            .map_max_entries("RECENT", of_each_cpu(hot::PAIRS))
            .map_max_entries("KEPT", max_flows.saturating_mul(2));
        let only = only.map_or(0, |netns| netns.0);
        loader.override_global("ONLY_NETNS", &only, true);
        let log_level = log_level();
        loader.override_global(aya_log::LEVEL, &log_level, true);
        for (symbol, offset) in &offsets {
            loader.override_global(symbol, offset, true);
        }
        let own_pid = std::process::id();
        loader.override_global("OWN_PID", &own_pid, true);
        if !files {
            loader
                .map_max_entries("FILES", 1)
                .map_max_entries("FILE_REST", 1);
        }
        let wanted = messages.map(|messages| messages.wanted);
        let wanted = wanted.or(connections.map(|connections| connections.wanted));
        let wanted = wanted.unwrap_or_default();
        loader
            .override_global("WANTED_ADDRESSES", &wanted.addresses, true)
            .override_global("WANTED_PORTS", &wanted.ports, true)
            .override_global("WANTED_PID", &wanted.pid, true)
            .override_global("WANTED_CGROUPS", &wanted.cgroups, true);
        if wanted.cgroups == 0 {
            loader.map_max_entries("REFUSED", 1);
        }
        if let Some(messages) = messages {
            loader
                .map_max_entries("MESSAGES", messages.ring)
                .override_global("SNAPLEN", &messages.snaplen, true)
                .override_global("WANTED_DIRECTION", &wanted.direction, true)
                .override_global("WANTED_PROTOCOL", &wanted.protocol, true);
        }
        if let Some(connections) = connections {
            loader
                .map_max_entries("CONNECTIONS", connections.ring)
                .override_global("WANTED_KINDS", &connections.kinds.0, true);
        }
        let mut ebpf = loader.load(OBJECT).map_err(LoadError::Object)?;
        let log = if log_level == 0 {
            None
        } else {
            Some(EbpfLogger::init(&mut ebpf).map_err(LoadError::Log)?)
        };
        Ok(Self {
            ebpf,
            btf,
            missing,
            log,
            missed: 0,
        })
    }

    /// Passes on what the programs have logged.
    pub fn flush_log(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    /// Runs that the kernel has left out, of all programs.
    pub fn runs_missed(&self) -> io::Result<u64> {
        let each = self
            .ebpf
            .programs()
            .map(|(_, program)| runs_missed(program));
        Ok(self.missed + each.sum::<io::Result<u64>>()?)
    }

    /// How many instructions the verifier went through for a program that is loaded.
    #[must_use]
    pub fn verified_instructions(&self, program: &str) -> Option<u32> {
        let info = self.ebpf.program(program)?.info().ok()?;
        info.verified_instruction_count()
    }

    /// Takes a map out, to be read on its own.
    pub fn take_map(&mut self, name: &'static str) -> Result<Map, LoadError> {
        self.ebpf.take_map(name).ok_or(LoadError::Missing(name))
    }
}

/// Runs of a program that the kernel has left out; of one that is not loaded, none.
fn runs_missed(program: &AyaProgram) -> io::Result<u64> {
    match program.fd() {
        Ok(fd) => missed::runs_missed(fd.as_fd()),
        Err(_) => Ok(0),
    }
}

/// `RUST_LOG=probe_ebpf=debug` turns the programs' log on; off, its code is not even there.
fn log_level() -> u8 {
    if tracing::enabled!(target: "probe_ebpf", tracing::Level::DEBUG) {
        aya_log::Level::Debug as u8
    } else {
        0
    }
}
