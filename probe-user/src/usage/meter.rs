//! Two looks make a rate.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Hierarchies, Usage};
use crate::{
    identity::{Container, ContainerId},
    ids::CgroupId,
};

/// What a container uses, by the latest look and the one before. A rate is a second's worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Who.
    pub container: Arc<Container>,
    /// At the latest look.
    pub usage: Usage,
    /// 100 is one CPU.
    pub cpu_percent: Option<f64>,
    /// Time kept from running, 100 being one CPU's.
    pub throttled_percent: Option<f64>,
    /// Bytes from block devices.
    pub read_rate: Option<f64>,
    /// Bytes to them.
    pub write_rate: Option<f64>,
}

/// The look before. As many entries as containers run.
#[derive(Debug, Default)]
pub struct Meter {
    /// When the look before began; `None` before the first.
    looked: Option<Instant>,
    before: HashMap<(ContainerId, Option<CgroupId>), (Instant, Usage)>,
}

impl Meter {
    /// Looks at every container that runs, by name.
    pub fn look(
        &mut self,
        containers: Vec<Arc<Container>>,
        hierarchies: &Hierarchies,
    ) -> Vec<Reading> {
        let mut readings = Vec::new();
        let mut now = HashMap::new();
        let looked = Instant::now();
        for container in containers {
            let Some(path) = container
                .cgroup_path
                .as_deref()
                .filter(|_| !container.is_ended())
            else {
                continue;
            };
            let Some(usage) = hierarchies.read(path) else {
                continue;
            };
            let at = Instant::now();
            let key = (container.id.clone(), container.cgroup);
            let before = self.before.get(&key).copied();
            // One that was not there has used all of it since.
            let before = before.or_else(|| Some((self.looked?, nothing(&usage))));
            readings.push(Reading::new(container, usage, at, before));
            now.insert(key, (at, usage));
        }
        self.before = now;
        self.looked = Some(looked);
        readings.sort_by(|a, b| a.container.display_name().cmp(b.container.display_name()));
        readings
    }
}

/// The counters at 0, where there are any.
fn nothing(usage: &Usage) -> Usage {
    Usage {
        cpu: usage.cpu.map(|_| Duration::ZERO),
        throttled: usage.throttled.map(|_| Duration::ZERO),
        read: usage.read.map(|_| 0),
        written: usage.written.map(|_| 0),
        ..Usage::default()
    }
}

impl Reading {
    fn new(
        container: Arc<Container>,
        usage: Usage,
        at: Instant,
        before: Option<(Instant, Usage)>,
    ) -> Self {
        let since = |figure: fn(&Usage) -> Option<f64>| {
            let (then, before) = before.as_ref()?;
            let time = at.saturating_duration_since(*then).as_secs_f64();
            // A counter that fell is another cgroup's.
            let grown = figure(&usage)? - figure(before)?;
            (grown >= 0.0 && time > 0.0).then(|| grown / time)
        };
        Self {
            cpu_percent: since(|usage| Some(usage.cpu?.as_secs_f64() * 100.0)),
            throttled_percent: since(|usage| Some(usage.throttled?.as_secs_f64() * 100.0)),
            read_rate: since(|usage| usage.read.map(exactly)),
            write_rate: since(|usage| usage.written.map(exactly)),
            container,
            usage,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a double holds 9 PB to the byte, which no container reads before it is shown"
)]
fn exactly(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Runtime;

    fn container() -> Arc<Container> {
        Arc::new(Container::new(ContainerId::new("web"), Runtime::Lxc))
    }

    fn used(millis: u64, read: Option<u64>) -> Usage {
        Usage {
            cpu: Some(Duration::from_millis(millis)),
            read,
            ..Usage::default()
        }
    }

    #[test]
    fn a_rate_is_what_was_used_over_the_time_between() {
        let now = Instant::now();
        let then = now.checked_sub(Duration::from_secs(2)).unwrap();
        let check = |before, after, cpu: Option<f64>, read: Option<f64>| {
            let reading = Reading::new(container(), after, now, before);
            assert_eq!((reading.cpu_percent, reading.read_rate), (cpu, read));
        };
        let before = Some((then, used(1000, Some(100))));
        check(before, used(4000, Some(300)), Some(150.0), Some(100.0));
        check(before, used(1000, Some(100)), Some(0.0), Some(0.0));
        check(before, used(900, None), None, None);
        check(None, used(4000, Some(300)), None, None);
        check(Some((now, used(1000, None))), used(2000, None), None, None);
    }

    #[test]
    fn one_that_comes_later_has_used_all_since() {
        let usage = used(500, None);
        assert_eq!(nothing(&usage), used(0, None));
        let then = Instant::now().checked_sub(Duration::from_secs(1)).unwrap();
        let at = then + Duration::from_secs(1);
        let reading = Reading::new(container(), usage, at, Some((then, nothing(&usage))));
        assert_eq!(reading.cpu_percent, Some(50.0));
    }
}
