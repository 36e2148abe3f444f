//! The BPF object: offsets found, programs verified and attached.

use std::{error::Error, fs::File, os::fd::AsFd as _, path::Path};

use aya::{
    EbpfLoader, include_bytes_aligned,
    maps::Map,
    programs::{CgroupAttachMode, CgroupSkbAttachType, Iter, Program as AyaProgram, ProgramError},
};
use aya_log::EbpfLogger;
use probe_ebpf::{
    field::{Field, Group},
    flow::MAX_OTHERS,
};
use tracing::debug;

use super::{
    connections::Watch,
    error::LoadError,
    fields::{self, Fields},
    live_sockets::{LiveSockets, MapIterator},
    messages::Capture,
    open_sockets,
    programs::{Capability, Program},
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
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(&btf))
            .map_max_entries("FLOWS", max_flows)
            .map_max_entries("COUNTERS", counters)
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
        })
    }

    /// Passes on what the programs have logged.
    pub fn flush_log(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    /// Refuses a program by name when a field it reads is missing.
    fn check(&self, program: &'static str, groups: &[Group]) -> Result<(), LoadError> {
        let missing = self
            .missing
            .iter()
            .find(|(field, _)| groups.contains(&field.group));
        match missing {
            None => Ok(()),
            Some((_, reason)) => Err(LoadError::Field {
                program,
                reason: reason.clone(),
            }),
        }
    }

    /// Attaches the first way to `capability` that this kernel takes, and returns its programs; or
    /// why it takes none, a reason for each.
    pub fn attach(
        &mut self,
        capability: &Capability,
        root_cgroup: &Path,
    ) -> Result<&'static [Program], Vec<LoadError>> {
        let mut reasons = Vec::new();
        for way in capability.ways {
            // All load before any is attached: half a way would count half.
            let loaded = way
                .iter()
                .try_for_each(|program| self.load_program(program));
            let attached = loaded.and_then(|()| {
                way.iter()
                    .try_for_each(|program| self.attach_program(program, root_cgroup))
            });
            match attached {
                Ok(()) => return Ok(way),
                Err(reason) => {
                    debug!(
                        error = &reason as &dyn Error,
                        "a way to {}", capability.name
                    );
                    reasons.push(reason);
                }
            }
            self.detach(*way);
        }
        Err(reasons)
    }

    /// Detaches and unloads these programs, those that are.
    pub fn detach<'p>(&mut self, programs: impl IntoIterator<Item = &'p Program>) {
        for program in programs {
            // What is not loaded cannot be unloaded, which is as good.
            let _ = match self.ebpf.program_mut(program.name) {
                Some(AyaProgram::BtfTracePoint(hook)) => hook.unload(),
                Some(AyaProgram::FEntry(hook)) => hook.unload(),
                Some(AyaProgram::FExit(hook)) => hook.unload(),
                Some(AyaProgram::CgroupSockAddr(hook)) => hook.unload(),
                Some(AyaProgram::CgroupSkb(hook)) => hook.unload(),
                _ => Ok(()),
            };
        }
    }

    /// Lets the kernel verify one program.
    fn load_program(&mut self, program: &Program) -> Result<(), LoadError> {
        self.check(program.name, program.fields)?;
        let found = self
            .ebpf
            .program_mut(program.name)
            .ok_or(LoadError::Missing(program.name))?;
        let loaded = match found {
            AyaProgram::BtfTracePoint(hook) => hook.load(program.at, &self.btf),
            AyaProgram::FEntry(hook) => hook.load(program.at, &self.btf),
            AyaProgram::FExit(hook) => hook.load(program.at, &self.btf),
            AyaProgram::CgroupSockAddr(hook) => hook.load(),
            AyaProgram::CgroupSkb(hook) => hook.load(),
            _ => return Err(LoadError::Missing(program.name)),
        };
        loaded.map_err(|source| match source {
            ProgramError::Btf(aya::BtfError::UnknownBtfTypeName { .. }) => LoadError::NoHook {
                at: program.at,
                hook: program.hook.as_str(),
                since: program.since,
            },
            source => LoadError::Program {
                program: program.name,
                source,
            },
        })
    }

    /// Lets a verified program run.
    fn attach_program(&mut self, program: &Program, root_cgroup: &Path) -> Result<(), LoadError> {
        let found = self
            .ebpf
            .program_mut(program.name)
            .ok_or(LoadError::Missing(program.name))?;
        let attached = match found {
            AyaProgram::BtfTracePoint(hook) => hook.attach().map(drop),
            AyaProgram::FEntry(hook) => hook.attach().map(drop),
            AyaProgram::FExit(hook) => hook.attach().map(drop),
            // A link lets others in of itself; to ask for it is an error before 6.14.
            AyaProgram::CgroupSockAddr(hook) => hook
                .attach(open(root_cgroup)?, CgroupAttachMode::Single)
                .map(drop),
            AyaProgram::CgroupSkb(hook) => {
                let (root, way) = (open(root_cgroup)?, CgroupSkbAttachType::Ingress);
                hook.attach(root, way, CgroupAttachMode::Single).map(drop)
            }
            _ => return Err(LoadError::Missing(program.name)),
        };
        attached.map_err(|source| LoadError::Program {
            program: program.name,
            source,
        })
    }

    /// Verifies and attaches the iterators over open sockets.
    pub fn attach_live_sockets(&mut self) -> Result<LiveSockets, LoadError> {
        Ok(LiveSockets([
            self.attach_map_iterator("live_slots", "bpf_map_elem", "TABLE")?,
            self.attach_map_iterator("live_sockets", "bpf_sk_storage_map", "SOCKETS")?,
        ]))
    }

    fn attach_map_iterator(
        &mut self,
        name: &'static str,
        over: &str,
        map: &'static str,
    ) -> Result<MapIterator, LoadError> {
        self.check(name, &[Group::Socket])?;
        let refused = |source| LoadError::Program {
            program: name,
            source,
        };
        let iterator: &mut Iter = self
            .ebpf
            .program_mut(name)
            .and_then(|found| found.try_into().ok())
            .ok_or(LoadError::Missing(name))?;
        iterator.load(over, &self.btf).map_err(refused)?;
        let program = iterator
            .fd()
            .and_then(|fd| Ok(fd.try_clone()?))
            .map_err(refused)?;
        let map = match self.ebpf.map(map) {
            Some(Map::SkStorage(map) | Map::Array(map)) => map.fd().as_fd(),
            _ => return Err(LoadError::Missing(map)),
        };
        MapIterator::attach(program.as_fd(), map).map_err(LoadError::Iterator)
    }

    /// Lets sockets that are open already find their flows; everything else is attached by now.
    pub fn look_over_open_sockets(&mut self) -> Result<(), LoadError> {
        const NAME: &str = "open_sockets";
        self.check(NAME, &[Group::Socket, Group::Cgroup, Group::Task])?;
        let pass = self.take_map("PASS")?;
        let iterator: &mut Iter = self
            .ebpf
            .program_mut(NAME)
            .and_then(|found| found.try_into().ok())
            .ok_or(LoadError::Missing(NAME))?;
        iterator
            .load("task_file", &self.btf)
            .map_err(|source| LoadError::Program {
                program: NAME,
                source,
            })?;
        open_sockets::look_over(iterator, pass).map_err(LoadError::Backfill)
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

fn open(root_cgroup: &Path) -> Result<File, LoadError> {
    File::open(root_cgroup).map_err(|source| LoadError::RootCgroup {
        path: root_cgroup.to_owned(),
        source,
    })
}

/// `RUST_LOG=probe_ebpf=debug` turns the programs' log on; off, its code is not even there.
fn log_level() -> u8 {
    if tracing::enabled!(target: "probe_ebpf", tracing::Level::DEBUG) {
        aya_log::Level::Debug as u8
    } else {
        0
    }
}
