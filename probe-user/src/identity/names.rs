//! The names of addresses, as somebody on this host has just looked them up.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use super::dns::Answer;

/// Addresses with a name at once.
const ADDRESSES: usize = 16_384;
/// A name holds as long as the server says, but no shorter: who has looked it up keeps using it.
const SHORTEST: Duration = Duration::from_mins(1);
/// Nor longer: nobody keeps one for days.
const LONGEST: Duration = Duration::from_hours(1);

/// What addresses are called now.
#[derive(Debug, Default)]
pub struct Names {
    by_address: HashMap<IpAddr, Name>,
    refused: u64,
}

#[derive(Debug)]
struct Name {
    name: Arc<str>,
    until: Instant,
}

impl Names {
    /// Takes in an answer that came `now`: of several names of an address the latest counts.
    pub fn learn(&mut self, answer: &Answer, now: Instant) {
        let name: Arc<str> = answer.name.as_str().into();
        for (address, seconds) in &answer.addresses {
            let lives = Duration::from_secs(u64::from(*seconds)).clamp(SHORTEST, LONGEST);
            let full = self.by_address.len() >= ADDRESSES;
            let name = Name {
                name: Arc::clone(&name),
                until: now + lives,
            };
            match self.by_address.entry(*address) {
                Entry::Occupied(mut known) => drop(known.insert(name)),
                Entry::Vacant(_) if full => self.refused += 1,
                Entry::Vacant(place) => drop(place.insert(name)),
            }
        }
    }

    /// Forgets what does not hold any more.
    pub fn sweep(&mut self, now: Instant) {
        self.by_address.retain(|_, name| name.until > now);
    }

    /// What the address is called.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Option<Arc<str>> {
        let name = self.by_address.get(&address)?;
        Some(Arc::clone(&name.name))
    }

    /// Addresses that found no room.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn answer(name: &str, first: u32, count: u32, lives: u32) -> Answer {
        let addresses = (first..first + count).map(|bits| (Ipv4Addr::from(bits).into(), lives));
        Answer {
            name: name.to_owned(),
            addresses: addresses.collect(),
        }
    }

    #[test]
    fn the_latest_name_holds_as_long_as_was_said_within_bounds() {
        let (mut names, start) = (Names::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let address = |bits: u32| IpAddr::from(Ipv4Addr::from(bits));
        names.learn(&answer("old.example", 1, 1, 300), start);
        names.learn(&answer("new.example", 1, 1, 300), start);
        names.learn(&answer("short.example", 2, 1, 0), start);
        names.learn(&answer("long.example", 3, 1, u32::MAX), start);
        names.sweep(at(59));
        let of = |names: &Names, bits| names.of(address(bits)).map(|name| name.to_string());
        assert_eq!(of(&names, 1).as_deref(), Some("new.example"));
        assert_eq!(of(&names, 2).as_deref(), Some("short.example"));
        names.sweep(at(60));
        assert_eq!(of(&names, 2), None);
        names.sweep(at(300));
        assert_eq!(of(&names, 1), None);
        assert_eq!(of(&names, 3).as_deref(), Some("long.example"));
        names.sweep(at(3600));
        assert_eq!(of(&names, 3), None);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let (mut names, now) = (Names::default(), Instant::now());
        let all = u32::try_from(ADDRESSES).unwrap();
        names.learn(&answer("many.example", 0, all + 3, 300), now);
        assert_eq!((names.by_address.len(), names.refused()), (ADDRESSES, 3));
        // One that is known may change its name.
        names.learn(&answer("one.example", 0, 1, 300), now);
        assert_eq!(names.refused(), 3);
        assert_eq!(
            names.of(Ipv4Addr::from(0).into()).as_deref(),
            Some("one.example")
        );
    }
}
