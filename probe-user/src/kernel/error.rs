//! Why the kernel side is not there, in sentences that say what to do.

use std::{io, path::PathBuf};

use aya::{EbpfError, programs::ProgramError};
use thiserror::Error;

use super::{btf::BtfError, fields::VMLINUX_BTF, open_sockets::BackfillError};

/// Why the kernel side is not there.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The kernel does not describe itself.
    #[error(
        "this kernel offers no BTF at {VMLINUX_BTF}: the probe needs a kernel built with \
         CONFIG_DEBUG_INFO_BTF=y (every distribution's since about 5.10)"
    )]
    NoBtf(#[source] io::Error),
    /// It does, but not so that we can read it.
    #[error("the kernel's BTF at {VMLINUX_BTF} cannot be read")]
    BadBtf(#[source] BtfError),
    /// The same, said by aya.
    #[error("the kernel's BTF at {VMLINUX_BTF} cannot be read")]
    AyaBtf(#[source] aya::BtfError),
    /// A program reads a field that this kernel does not have, or has in another size.
    #[error("program {program} cannot run on this kernel: {reason}")]
    Field {
        /// The program.
        program: &'static str,
        /// Which field, and what is wrong with it.
        reason: String,
    },
    /// Each way to what a command cannot do without was refused.
    #[error("this kernel refuses what tells of {needed}: {all}")]
    NoWay {
        /// The capability.
        needed: &'static str,
        /// Why, way by way.
        all: String,
    },
    /// The kernel has nothing of this name to hook.
    #[error("this kernel has no {hook} {at} (in Linux since {since})")]
    NoHook {
        /// What a program hooks.
        at: &'static str,
        /// Of which kind.
        hook: &'static str,
        /// The first kernel with it.
        since: &'static str,
    },
    /// The root of the cgroup hierarchy cannot be opened.
    #[error("cannot open the root cgroup {}", path.display())]
    RootCgroup {
        /// Where cgroup v2 is mounted.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// How many CPUs there can be is not known.
    #[error("cannot read how many CPUs there can be from /sys/devices/system/cpu/possible")]
    Cpus(#[source] io::Error),
    /// Maps or BTF were refused.
    #[error("the kernel refused the probe's maps")]
    Object(#[source] EbpfError),
    /// A program did not verify or attach.
    #[error("the kernel refused program {program}")]
    Program {
        /// The program.
        program: &'static str,
        /// What it said, the verifier's log included.
        #[source]
        source: ProgramError,
    },
    /// Sockets that were open before could not be looked over.
    #[error("connections older than the probe cannot be found")]
    Backfill(#[source] BackfillError),
    /// The iterator over open sockets did not attach.
    #[error("the kernel refused to iterate over open sockets (in Linux since 5.9)")]
    Iterator(#[source] io::Error),
    /// The programs' log cannot be read.
    #[error("the kernel programs' log cannot be read")]
    Log(#[source] aya_log::Error),
    /// The object is not the one this binary was built with.
    #[error("the BPF object has no {0}: the build is broken")]
    Missing(&'static str),
    /// A map could not be used.
    #[error("map {name} cannot be used")]
    Map {
        /// The map.
        name: &'static str,
        /// Why.
        #[source]
        source: aya::maps::MapError,
    },
}
