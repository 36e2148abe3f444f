//! What a datagram costs.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::Clock;

/// Loopback loses none; if it does, this fails rather than hangs.
const SILENCE: Duration = Duration::from_secs(5);

pub(super) fn run(clock: &Clock) -> Result<u64> {
    let socket = || -> std::io::Result<UdpSocket> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(SILENCE))?;
        Ok(socket)
    };
    let (here, there) = (socket()?, socket()?);
    here.connect(there.local_addr()?)?;
    there.connect(here.local_addr()?)?;
    let server = std::thread::spawn(move || -> std::io::Result<()> {
        let mut bytes = [0; 64];
        // An empty datagram is the last.
        loop {
            match there.recv(&mut bytes)? {
                0 => return Ok(()),
                count => there.send(&bytes[..count])?,
            };
        }
    });
    let mut bytes = [b'.'; 64];
    let units = clock.count(|| {
        here.send(&bytes)?;
        here.recv(&mut bytes).map(drop)
    })?;
    here.send(&[]).context("cannot end the server")?;
    let ended = server.join().map_err(|_| anyhow!("the server panicked"))?;
    ended.context("the server failed")?;
    Ok(units)
}
