//! Which programs are attached, and in which order.

use tracing::{debug, warn};

use super::{Options, StartError, map_error, messages, refused::Refused};
use crate::{
    identity::{CgroupMount, Directory},
    kernel::{
        error::LoadError,
        object::Object,
        programs::{
            CALLS_OF_EVERY_FAMILY, CONNECTIONS, CONTAINERS, Capability, DATAGRAM_PEERS,
            EACH_CONNECTION, OOM_KILLS, PROCESSES, TRAFFIC,
        },
    },
};

/// Attaches all that is asked for, and looks over what is there; the programs by name.
///
/// Cgroups before the walk, so that none is missed between; traffic last, so that what is seen can be
/// named.
pub(super) fn all(
    object: &mut Object,
    options: &Options,
    cgroups: &CgroupMount,
    directory: &Directory,
    refused: &mut Option<Refused>,
) -> Result<Vec<&'static str>, StartError> {
    let mut attached = Vec::new();
    let mut attach = |capability: &Capability| {
        match object.attach(capability, cgroups.path()) {
            Ok(programs) => attached.extend(programs.iter().map(|program| program.name)),
            Err(reasons) => unattached(capability, &reasons)?,
        }
        Ok::<_, LoadError>(())
    };
    attach(&CONTAINERS)?;
    directory.scan(cgroups)?;
    if let Some(refused) = refused {
        refused.follow(directory).map_err(map_error("REFUSED"))?;
    }
    if options.processes {
        [PROCESSES, OOM_KILLS].iter().try_for_each(&mut attach)?;
    }
    if options.connections.is_some() {
        // In this order: see there.
        attach(&EACH_CONNECTION)?;
        attach(&CONNECTIONS)?;
    }
    if let Some(capture) = &options.messages {
        messages::served_by(capture)
            .iter()
            .try_for_each(&mut attach)?;
    }
    if options.traffic {
        TRAFFIC.iter().try_for_each(attach)?;
        if !CALLS_OF_EVERY_FAMILY.is_served_by(&attached) {
            object.detach(DATAGRAM_PEERS.programs());
            attached.retain(|name| DATAGRAM_PEERS.programs().all(|peer| peer.name != *name));
        }
    }
    if options.traffic || options.connections.is_some() {
        object.look_over_open_sockets()?;
    }
    Ok(attached)
}

/// What is needed is an error; what is not is said, with what is not known without it.
pub(super) fn unattached(capability: &Capability, reasons: &[LoadError]) -> Result<(), LoadError> {
    for reason in reasons {
        debug!(capability.name, ?reason, "refused");
    }
    if reasons.is_empty() {
        return Ok(());
    }
    let all: Vec<_> = reasons.iter().map(ToString::to_string).collect();
    let all = all.join("; ");
    if capability.needed {
        let needed = capability.name;
        return Err(LoadError::NoWay { needed, all });
    }
    warn!("not known are {}: {all}", capability.gives);
    Ok(())
}
