//! Which containers started and ended since one looked.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::container::{Container, ContainerId, Life};

/// Looks after which a container whose engine has told nothing is taken for started all the same.
const PATIENCE: u32 = 2;

/// A container's life took a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Whose.
    pub container: Arc<Container>,
    /// Started, else stopped.
    pub started: bool,
    /// When, by its engine's clock; `None` when only its cgroup tells.
    pub at: Option<Timestamp>,
}

/// What was known at the look before. As many entries as the directory has containers.
#[derive(Debug)]
pub struct Lives {
    /// What started before is no news.
    since: Timestamp,
    known: HashMap<ContainerId, Known>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    /// Its latest start was told.
    told: bool,
    ended: bool,
    started: Option<Timestamp>,
    looks: u32,
}

impl Lives {
    /// Those that run now, or began before `since`, are no news.
    #[must_use]
    pub fn new(since: Timestamp, running: &[Arc<Container>]) -> Self {
        let known = running.iter().map(|container| {
            let known = Known {
                told: true,
                ended: container.is_ended(),
                started: container.started,
                looks: 0,
            };
            (container.id.clone(), known)
        });
        Self {
            since,
            known: known.collect(),
        }
    }

    /// Where the wall clock was set, we began at another time of it: engines go by it, too.
    pub const fn began(&mut self, since: Timestamp) {
        self.since = since;
    }

    /// What has happened since the look before.
    pub fn look(&mut self, containers: &[Arc<Container>]) -> Vec<Turn> {
        let mut turns = Vec::new();
        let mut now = HashMap::with_capacity(containers.len());
        for container in containers {
            let before = self.known.remove(&container.id);
            let known = self.turn(container, before.unwrap_or_default(), &mut turns);
            now.insert(container.id.clone(), known);
        }
        self.known = now;
        turns.sort_by_key(|turn| turn.at);
        turns
    }

    fn turn(&self, container: &Arc<Container>, mut known: Known, turns: &mut Vec<Turn>) -> Known {
        let again = match (known.started, container.started) {
            (Some(before), Some(now)) => before != now,
            _ => false,
        };
        if again || (known.ended && container.life == Life::Running) {
            known = Known::default();
        }
        known.started = container.started.or(known.started);
        known.looks = known.looks.saturating_add(1);
        let old = container.started.is_some_and(|at| at < self.since);
        let knows_when = container.started.is_some() || known.looks > PATIENCE;
        let runs = container.life == Life::Running && knows_when;
        let ends = container.is_ended() && !known.ended;
        if !known.told && (runs || ends) {
            known.told = true;
            if !old {
                turns.push(Turn {
                    container: Arc::clone(container),
                    started: true,
                    at: container.started,
                });
            }
        }
        if ends {
            known.ended = true;
            let gone = container.finished.is_some_and(|at| at < self.since);
            if !gone {
                turns.push(Turn {
                    container: Arc::clone(container),
                    started: false,
                    at: container.finished,
                });
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Runtime;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    fn container(life: Life, started: Option<i64>, finished: Option<i64>) -> Arc<Container> {
        Arc::new(Container {
            life,
            started: started.and_then(at),
            finished: finished.and_then(at),
            ..Container::new(ContainerId::new("web"), Runtime::Docker)
        })
    }

    fn lives(running: &[Arc<Container>]) -> Lives {
        Lives::new(at(100).unwrap(), running)
    }

    /// The turns of each look, as `+time` and `-time`.
    fn check(mut lives: Lives, looks: &[Arc<Container>], expected: &[&[&str]]) {
        let turns = looks.iter().map(|container| {
            let turns = lives.look(&[Arc::clone(container)]);
            let word = |turn: &Turn| {
                let time = turn
                    .at
                    .map_or_else(|| "?".into(), |at| at.as_second().to_string());
                format!("{}{time}", if turn.started { '+' } else { '-' })
            };
            turns.iter().map(word).collect::<Vec<_>>()
        });
        assert_eq!(turns.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_life_is_told_once() {
        let running = container(Life::Running, Some(110), None);
        let ended = container(Life::Ended, Some(110), Some(120));
        let looks = [&running, &running, &ended, &ended].map(Arc::clone);
        check(lives(&[]), &looks, &[&["+110"], &[], &["-120"], &[]]);
        check(lives(&[]), &[ended], &[&["+110", "-120"]]);
    }

    #[test]
    fn what_ran_before_is_no_news_until_it_ends() {
        let old = container(Life::Running, Some(50), None);
        let ended = container(Life::Ended, Some(50), Some(120));
        check(
            lives(&[]),
            &[Arc::clone(&old), Arc::clone(&ended)],
            &[&[], &["-120"]],
        );
        check(lives(&[old]), &[ended], &[&["-120"]]);
        let gone = container(Life::Ended, Some(50), Some(60));
        check(lives(&[]), &[gone], &[&[]]);
    }

    #[test]
    fn a_start_waits_for_its_time_but_not_for_ever() {
        let nameless = container(Life::Running, None, None);
        let named = container(Life::Running, Some(110), None);
        let looks = [Arc::clone(&nameless), named];
        check(lives(&[]), &looks, &[&[], &["+110"]]);
        let looks = [&nameless; 4].map(Arc::clone);
        check(lives(&[]), &looks, &[&[], &[], &["+?"], &[]]);
        check(
            lives(&[Arc::clone(&nameless)]),
            &looks,
            &[&[], &[], &[], &[]],
        );
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nothing_old() {
        let mut lives = lives(&[]);
        let new = container(Life::Running, Some(60), None);
        lives.began(at(50).unwrap());
        check(lives, &[new], &[&["+60"]]);
    }

    #[test]
    fn a_restart_is_another_life() {
        let first = container(Life::Running, Some(110), None);
        let again = container(Life::Running, Some(130), None);
        check(
            lives(&[]),
            &[Arc::clone(&first), Arc::clone(&again)],
            &[&["+110"], &["+130"]],
        );
        let ended = container(Life::Ended, Some(110), Some(120));
        let looks = [first, ended, again];
        check(lives(&[]), &looks, &[&["+110"], &["-120"], &["+130"]]);
        let created = container(Life::Created, None, None);
        check(lives(&[]), &[Arc::clone(&created), created], &[&[], &[]]);
    }
}
