//! What a workload did, as it counted itself.

use serde::{Deserialize, Serialize};

/// One line of JSON that a workload prints when it ends. Bytes and calls are payload as the calls
/// returned them: a receive that found the end of the stream is none.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Connections that were made, or accepted.
    pub connections: u64,
    /// Connections that could not be made, or broke before all was said.
    pub failures: u64,
    /// Bytes that send calls took.
    pub bytes_sent: u64,
    /// Bytes that receive calls gave.
    pub bytes_received: u64,
    /// Send calls that moved bytes.
    pub sends: u64,
    /// Receive calls that moved bytes.
    pub receives: u64,
    /// The same for each target, in the order they were named; empty for a server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// What the first failure was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failure: Option<String>,
}

/// What was done with one target.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Target {
    /// Address and port.
    pub to: String,
    /// What was done with it; its own `targets` are empty.
    #[serde(flatten)]
    pub tally: Tally,
}

impl Tally {
    /// The tally among the lines that a workload printed.
    #[must_use]
    pub fn find(printed: &str) -> Option<Self> {
        Self::all(printed).pop()
    }

    /// The tallies of one that was given several command lines, in their order.
    #[must_use]
    pub fn all(printed: &str) -> Vec<Self> {
        let read = |line| serde_json::from_str(line).ok();
        printed.lines().filter_map(read).collect()
    }

    /// Adds another's numbers to these, and keeps the failure that came first.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.failures += other.failures;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.sends += other.sends;
        self.receives += other.receives;
        if self.first_failure.is_none() {
            self.first_failure.clone_from(&other.first_failure);
        }
    }

    /// Counts a failure.
    pub fn fail(&mut self, why: &impl ToString) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(|| why.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::{Tally, Target};

    #[test]
    fn found_among_other_lines() {
        let mut tally = Tally {
            connections: 2,
            bytes_sent: 200,
            ..Tally::default()
        };
        tally.fail(&"refused");
        let total = Tally {
            targets: vec![Target {
                to: "10.0.0.1:80".to_owned(),
                tally: tally.clone(),
            }],
            ..tally
        };
        let line = serde_json::to_string(&total).unwrap();
        assert_eq!(
            Tally::find(&format!("listening 80\n{line}\n")),
            Some(total.clone())
        );
        let both = format!("{line}\nserving\n{line}\n");
        assert_eq!(Tally::all(&both), [total.clone(), total]);
        assert_eq!(Tally::find("listening 80\n"), None);
    }
}
