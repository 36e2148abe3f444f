//! How much of what happened is accounted for: as a line, and explained.

use std::fmt::Write as _;

use crate::topology::{Cause, Completeness};

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
    fn almost_all_is_not_all() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(1.0 - f64::EPSILON), "99.99 %");
    }
}
