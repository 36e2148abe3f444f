//! What was used of late, for the sparklines: a sheet has the latest look alone.

use std::collections::{HashMap, VecDeque};

use crate::{identity::ContainerId, top::Look};

/// Looks remembered.
const REMEMBERED: usize = 120;

/// Of each container that there is, and of all together.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<Option<ContainerId>, VecDeque<Spent>>);

/// What was used within an interval.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    cpu: f64,
    net: f64,
}

impl History {
    /// What a look tells; what is gone is forgotten.
    pub(super) fn take_in(&mut self, look: &Look<'_>) {
        let mut total = Spent::default();
        let mut now = HashMap::new();
        for reading in &look.readings {
            let id = &reading.container.id;
            let net = look.net_of(id);
            let spent = Spent {
                cpu: reading.cpu_percent.unwrap_or_default(),
                net: net.sent + net.received,
            };
            total.cpu += spent.cpu;
            total.net += spent.net;
            now.insert(Some(id.clone()), spent);
        }
        now.insert(None, total);
        self.0.retain(|id, _| now.contains_key(id));
        for (id, spent) in now {
            let history = self.0.entry(id).or_default();
            if history.len() == REMEMBERED {
                history.pop_front();
            }
            history.push_back(spent);
        }
    }

    /// CPU, in hundredths of a percent, and bytes a second of a container, or of all together; oldest
    /// first.
    pub(super) fn of(&self, container: Option<&ContainerId>) -> (Vec<u64>, Vec<u64>) {
        let history = self.0.get(&container.cloned());
        let history = history.into_iter().flatten();
        history
            .map(|spent| (whole(spent.cpu * 100.0), whole(spent.net)))
            .unzip()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sparkline has eight steps; the cast saturates"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
