//! What the probe can know on this machine, found out by trying.

use std::{sync::Arc, time::Duration};

use crate::{
    identity::{CgroupMount, Directory, EngineAddress, engines::Engines},
    kernel::{
        error::LoadError,
        object::{Asked, Object},
        privileges,
        programs::{
            CONTAINERS, Capability, EACH_CONNECTION, FILE_USE, FILES, MESSAGES, OOM_KILLS,
            PROCESSES, Program, TRAFFIC,
        },
    },
};

/// Flows of a kernel side that is only looked at.
const FLOWS: u32 = 1;
/// Engines that have not answered by then are not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// One thing the probe can know, or needs, and what became of it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is called.
    pub name: &'static str,
    /// What is known with it.
    pub gives: &'static str,
    /// Whether the main job, who talks to whom, cannot be done without it.
    pub needed: bool,
    /// What serves it, or why nothing does.
    pub outcome: Outcome,
}

/// What became of a try.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is there: by what, and by which programs.
    Served {
        /// A few words for people.
        by: String,
        /// The programs, which are loaded now.
        programs: Vec<Loaded>,
    },
    /// It is not: why, a reason for each way that was tried.
    Missing(Vec<String>),
}

/// A program that the kernel has taken.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name.
    pub name: &'static str,
    /// The kind of hook.
    pub hook: &'static str,
    /// Instructions the verifier went through, since 5.16: of 1,000,000 at most.
    pub verified: Option<u32>,
}

impl Finding {
    /// Whether the main job cannot be done.
    #[must_use]
    pub const fn prevents(&self) -> bool {
        self.needed && matches!(self.outcome, Outcome::Missing(_))
    }
}

/// Tries everything, and leaves nothing attached.
pub async fn examine(engines: &[EngineAddress]) -> Vec<Finding> {
    let privileges = Finding {
        name: "privileges",
        gives: "leave to load programs",
        needed: true,
        outcome: served(privileges::check().map(|()| "CAP_BPF and CAP_PERFMON".to_owned())),
    };
    let mount = CgroupMount::find();
    let cgroups = Finding {
        name: "cgroups",
        gives: "the cgroup of every process",
        needed: true,
        outcome: served(match &mount {
            Ok(mount) => Ok(format!("cgroup v2 at {}", mount.path().display())),
            Err(error) => Err(error),
        }),
    };
    let mut findings = vec![privileges, cgroups];
    match (Object::load(FLOWS, None, &Asked::default()), mount) {
        (Ok(mut object), Ok(mount)) => {
            let capabilities = [CONTAINERS].into_iter().chain(TRAFFIC.iter().copied());
            let asked_for = [
                PROCESSES,
                OOM_KILLS,
                EACH_CONNECTION,
                MESSAGES,
                FILES,
                FILE_USE,
            ];
            for capability in capabilities.chain(asked_for) {
                findings.push(capability_of(&mut object, &capability, &mount));
            }
            findings.extend(iterators(&mut object));
        }
        (Err(error), _) => findings.push(Finding {
            name: "kernel",
            gives: "programs and maps",
            needed: true,
            outcome: Outcome::Missing(vec![reason(&error)]),
        }),
        (Ok(_), Err(_)) => {} // said already
    }
    findings.push(engine(engines).await);
    findings
}

fn capability_of(object: &mut Object, capability: &Capability, mount: &CgroupMount) -> Finding {
    let outcome = match object.attach(capability, mount.path()) {
        Ok(programs) => {
            let loaded = |program: &Program| Loaded {
                name: program.name,
                hook: program.hook.as_str(),
                verified: object.verified_instructions(program.name),
            };
            let hooks: Vec<_> = programs.iter().map(|program| program.at).collect();
            let kind = programs.first().map_or("", |program| program.hook.as_str());
            Outcome::Served {
                by: format!("{kind} {}", hooks.join(", ")),
                programs: programs.iter().map(loaded).collect(),
            }
        }
        Err(reasons) => Outcome::Missing(reasons.iter().map(reason).collect()),
    };
    Finding {
        name: capability.name,
        gives: capability.gives,
        // For commands of their own: the graph does without.
        needed: capability.needed
            && ![PROCESSES, MESSAGES, FILES, FILE_USE]
                .iter()
                .any(|other| other.name == capability.name),
        outcome,
    }
}

/// The iterators: over the sockets that have a flow, and over what was open before.
fn iterators(object: &mut Object) -> [Finding; 2] {
    let live = object.attach_live_sockets().map(drop);
    let open = object.look_over_open_sockets();
    let finding =
        |name, gives, programs: &[&'static str], needed, tried: Result<(), LoadError>| Finding {
            name,
            gives,
            needed,
            outcome: match tried {
                Ok(()) => Outcome::Served {
                    by: format!("iterator {}", programs.join(", ")),
                    programs: programs
                        .iter()
                        .map(|name| Loaded {
                            name,
                            hook: "iterator",
                            verified: object.verified_instructions(name),
                        })
                        .collect(),
                },
                Err(error) => Outcome::Missing(vec![reason(&error)]),
            },
        };
    [
        finding(
            "live-sockets",
            "the bytes of connections that still stand",
            &["live_slots", "live_sockets"],
            true,
            live,
        ),
        finding(
            "open-sockets",
            "connections and listeners older than the probe",
            &["open_sockets"],
            true,
            open,
        ),
    ]
}

async fn engine(addresses: &[EngineAddress]) -> Finding {
    let directory = Arc::new(Directory::default());
    let mut engines = Engines::follow(addresses, &directory);
    let answered = tokio::time::timeout(PATIENCE, engines.tried()).await;
    let outcome = match (answered, engines.trouble()) {
        (Ok(()), None) => Outcome::Served {
            by: "Docker engine".to_owned(),
            programs: Vec::new(),
        },
        (Ok(()), Some(trouble)) => Outcome::Missing(vec![trouble]),
        (Err(_), _) => Outcome::Missing(vec![format!("no answer within {} s", PATIENCE.as_secs())]),
    };
    engines.end().await;
    Finding {
        name: "engine",
        gives: "names, images and labels of containers",
        needed: false,
        outcome,
    }
}

fn served<E: std::error::Error>(tried: Result<String, E>) -> Outcome {
    match tried {
        Ok(by) => Outcome::Served {
            by,
            programs: Vec::new(),
        },
        Err(error) => Outcome::Missing(vec![error.to_string()]),
    }
}

/// An error and what caused it, without the verifier's log, which is for developers.
fn reason(error: &LoadError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let full = error.to_string();
        let first = full.lines().next().unwrap_or_default();
        if !text.ends_with(first) {
            text = format!("{text}: {first}");
        }
        cause = error.source();
    }
    text
}
