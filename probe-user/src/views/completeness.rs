//! How much of what happened is accounted for: as a line, and explained.

use std::fmt::Write as _;

use crate::topology::{Cause, Completeness, Gap, Graph};

/// One line if anything is missing.
#[must_use]
pub fn line(account: &Completeness) -> Option<String> {
    if account.share() >= 1.0 {
        return None;
    }
    let lost = causes(account).map(|(cause, lost)| format!("{lost} {}", cause.as_str()));
    let records = [("ring", account.ring), ("undecoded", account.undecoded)];
    let records = records.into_iter().filter(|(_, lost)| *lost > 0);
    let records = records.map(|(name, lost)| format!("{lost} records {name}"));
    let lost: Vec<_> = lost.chain(records).collect();
    Some(format!(
        "completeness {}: {} of {} connections are whole ({})",
        percent(account.share()),
        account.whole,
        account.connections(),
        lost.join(", ")
    ))
}

/// The whole account, and of each cause what it means and what to do.
#[must_use]
pub fn explained(account: &Completeness) -> String {
    let mut text = format!(
        "completeness {}: {} of {} connections are whole, {} records came\n",
        percent(account.share()),
        account.whole,
        account.connections(),
        account.records,
    );
    let mut say = |name: &str, lost: u64, what: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<10}{lost:>9}  {what}");
    };
    for (cause, lost) in causes(account) {
        say(cause.as_str(), lost, meaning(cause));
    }
    if account.ring > 0 {
        let what =
            "records found the ring full: events are missing, and a container may have no name";
        say("ring", account.ring, what);
    }
    if account.undecoded > 0 {
        let what =
            "records could not be decoded: agent and kernel programs differ, please report it";
        say("undecoded", account.undecoded, what);
    }
    if account.engines_silent > 0 {
        let what =
            "a container engine does not answer: what it has named since is not known by name";
        say("engine", account.engines_silent, what);
    }
    text
}

fn causes(account: &Completeness) -> impl Iterator<Item = (Cause, u64)> {
    let all = Cause::ALL.into_iter();
    let all = all.map(|cause| (cause, account.lost_to(cause)));
    all.filter(|(_, lost)| *lost > 0)
}

const fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::Memory => "the kernel had no memory for a socket's flow: it is not in the graph",
        Cause::Counter => {
            "a call found its flow gone: bytes or calls are missing; raise --max-flows"
        }
        Cause::Datagram => "a datagram's other end is not known: it is not in the graph",
        Cause::Map => "the flow table was full: on an edge to unknown; raise --max-flows",
        Cause::OneSided => {
            "both ends are on this host and one was not seen: joined by address alone"
        }
        Cause::Identity => "an end has no name: no container engine has told it; see --engine",
        Cause::Ecs => "ECS has not described a task, or not told of its service lately",
    }
}

/// How many of the graph's edges may lack something, and of each reason what it means and what to do.
#[must_use]
pub fn edges_explained(graph: &Graph) -> String {
    let edges = graph.edges().count();
    let lacking = graph.edges().filter(|(.., edge)| !edge.gaps.is_empty());
    let mut text = format!("{} of {edges} edges may lack something\n", lacking.count());
    for (gap, edges) in graph.gaps().filter(|(_, edges)| *edges > 0) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:<14}{edges:>5}  {}", gap.as_str(), reason(gap));
    }
    text
}

const fn reason(gap: Gap) -> &'static str {
    match gap {
        Gap::Map => {
            "an end found the flow table full, and is on an edge to unknown; raise --max-flows"
        }
        Gap::SourceUnseen => {
            "the source is here and its end was not seen: joined by address, or not at all"
        }
        Gap::TargetUnseen => {
            "the target is here and its end was not seen: joined by address, or not at all"
        }
        Gap::Identity => "an end has no name: no container engine has told it; see --engine",
        Gap::Engine => "an end is a container, and an engine does not answer: its name may be old",
        Gap::Ecs => "ECS has not described an end's task, or not told of its service lately",
        Gap::Calls => "calls are not counted on this kernel; `probe doctor` there says by what",
        Gap::Existing => {
            "connections stood when watching began: what they moved before is not known"
        }
    }
}

/// Never rounded up to all.
fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    format!("{:.2} %", (share * 10_000.0).floor() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::sample;

    #[test]
    fn what_is_missing_is_said_and_explained() {
        let account = Completeness {
            whole: 99_999,
            lost: [0, 0, 1, 7, 0, 2, 0],
            records: 1000,
            ring: 3,
            undecoded: 0,
            engines_silent: 1,
        };
        insta::assert_snapshot!(line(&account).unwrap());
        insta::assert_snapshot!(explained(&account));
        assert_eq!(line(&Completeness::default()), None);
        insta::assert_snapshot!(explained(&Completeness::default()));
    }

    #[test]
    fn what_edges_may_lack_is_counted_and_explained() {
        let shop = sample::shop();
        insta::assert_snapshot!(edges_explained(&shop.graph), @"0 of 8 edges may lack something");
        let all = sample::with_gaps(shop, Gap::ALL.into_iter().collect());
        insta::assert_snapshot!(edges_explained(&all.graph));
    }

    #[test]
    fn almost_all_is_not_all() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(1.0 - f64::EPSILON), "99.99 %");
    }
}
