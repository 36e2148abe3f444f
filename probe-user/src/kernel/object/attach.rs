//! Letting the programs of a loaded object run.

use std::{error::Error, fs::File, os::fd::AsFd as _, path::Path};

use aya::{
    maps::Map,
    maps::ProgramArray,
    programs::{CgroupAttachMode, CgroupSkbAttachType, Iter, Program as AyaProgram, ProgramError},
};
use probe_ebpf::field::Group;
use tracing::debug;

use super::{Object, runs_missed};
use crate::kernel::{
    error::LoadError,
    live_sockets::{LiveSockets, MapIterator},
    open_sockets,
    programs::{Capability, Hook, Program},
};

impl Object {
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
            let Some(program) = self.ebpf.program_mut(program.name) else {
                continue;
            };
            self.missed += runs_missed(program).unwrap_or_default();
            // What is not loaded cannot be unloaded, which is as good.
            let _ = match program {
                AyaProgram::BtfTracePoint(hook) => hook.unload(),
                AyaProgram::FEntry(hook) => hook.unload(),
                AyaProgram::FExit(hook) => hook.unload(),
                AyaProgram::CgroupSockAddr(hook) => hook.unload(),
                AyaProgram::CgroupSkb(hook) => hook.unload(),
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
            AyaProgram::BtfTracePoint(_) if program.hook == Hook::TailCall => {
                return self.let_follow(program.name);
            }
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

    /// Lets the program that hears of datagrams from name servers go on with this one.
    fn let_follow(&mut self, program: &'static str) -> Result<(), LoadError> {
        const AT: &str = "RECEIVED";
        let refused = |source| LoadError::Program { program, source };
        let found = self.ebpf.program(program);
        let found = found.ok_or(LoadError::Missing(program))?;
        let next = found
            .fd()
            .and_then(|fd| Ok(fd.try_clone()?))
            .map_err(refused)?;
        let map = self.ebpf.map_mut(AT).ok_or(LoadError::Missing(AT))?;
        ProgramArray::try_from(map)
            .and_then(|mut programs| programs.set(0, &next, 0))
            .map_err(|source| refused(source.into()))
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
}

fn open(root_cgroup: &Path) -> Result<File, LoadError> {
    File::open(root_cgroup).map_err(|source| LoadError::RootCgroup {
        path: root_cgroup.to_owned(),
        source,
    })
}
