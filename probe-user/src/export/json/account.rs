//! How much of what happened the graph accounts for, as JSON says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::topology::{Cause, Completeness, Graph};

/// What became of all connections, in connections, and of all records. A connection is lost to one
/// cause: `whole` and all of `lost` are all there were, at most.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub(super) struct Account {
    /// Connections whose figures are exact, and whose ends are both known if they are on the host.
    whole: u64,
    /// All others, by cause.
    lost: Lost,
    /// Records of processes and cgroups that came.
    records: u64,
    /// Records that found the ring full.
    records_ring: u64,
    /// Records that could not be decoded.
    records_undecoded: u64,
    /// Hosts on which a container engine did not answer.
    engines_silent: u64,
}

/// Connections that are not whole, by the first of these causes.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
struct Lost {
    /// The kernel had no memory for its flow: not in the graph.
    memory: u64,
    /// A call or change of state that found its flow gone, each counted as a connection.
    counter: u64,
    /// A datagram whose other end could not be known, each counted as a connection.
    datagram: u64,
    /// The flow table was full: on an edge to `unknown`.
    map: u64,
    /// Both ends are on the host, and one was not seen.
    one_sided: u64,
    /// An end has no name.
    identity: u64,
    /// An end is an ECS task that was not described, or whose service is overdue.
    ecs: u64,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    completeness: f64,
    account: Account,
    edges: usize,
    /// How many edges may lack something, by reason.
    gaps: BTreeMap<&'static str, usize>,
}

/// The account of a graph's host and its edges' gaps alone, schema `probe.completeness/v1`, and a line
/// feed.
pub fn text(account: &Completeness, graph: &Graph) -> serde_json::Result<String> {
    let document = Document {
        schema: "probe.completeness/v1",
        completeness: account.share(),
        account: (*account).into(),
        edges: graph.edges().count(),
        gaps: graph
            .gaps()
            .map(|(gap, edges)| (gap.as_str(), edges))
            .collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

impl From<Completeness> for Account {
    fn from(account: Completeness) -> Self {
        Self {
            whole: account.whole,
            lost: Lost {
                memory: account.lost_to(Cause::Memory),
                counter: account.lost_to(Cause::Counter),
                datagram: account.lost_to(Cause::Datagram),
                map: account.lost_to(Cause::Map),
                one_sided: account.lost_to(Cause::OneSided),
                identity: account.lost_to(Cause::Identity),
                ecs: account.lost_to(Cause::Ecs),
            },
            records: account.records,
            records_ring: account.ring,
            records_undecoded: account.undecoded,
            engines_silent: account.engines_silent,
        }
    }
}

impl From<Account> for Completeness {
    fn from(wire: Account) -> Self {
        let lost = |cause| match cause {
            Cause::Memory => wire.lost.memory,
            Cause::Counter => wire.lost.counter,
            Cause::Datagram => wire.lost.datagram,
            Cause::Map => wire.lost.map,
            Cause::OneSided => wire.lost.one_sided,
            Cause::Identity => wire.lost.identity,
            Cause::Ecs => wire.lost.ecs,
        };
        Self {
            whole: wire.whole,
            lost: Cause::ALL.map(lost),
            records: wire.records,
            ring: wire.records_ring,
            undecoded: wire.records_undecoded,
            engines_silent: wire.engines_silent,
        }
    }
}
