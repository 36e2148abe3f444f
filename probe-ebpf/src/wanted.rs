//! What a filter wants, as far as it can be told here: user space sets it before the load. What was not
//! asked for the verifier knows, and leaves out.

use aya_ebpf::{Global, btf_maps::HashMap, macros::btf_map};
use probe_ebpf::message::MAX_REFUSED;

use crate::socket::words;

/// Cgroups of which user space knows that the filter lets nothing pass; what they are kept with means
/// nothing. It takes its time to learn of a cgroup: what is not here passes, and is asked there. Full:
/// more passes. One entry while nobody asks.
#[btf_map]
static REFUSED: HashMap<u64, u32, MAX_REFUSED> = HashMap::new();

/// Whether to ask that.
#[unsafe(no_mangle)]
static WANTED_CGROUPS: Global<u32> = Global::new(0);

#[unsafe(no_mangle)]
static WANTED_ADDRESSES: Global<[[u64; 2]; 2]> = Global::new([[0; 2]; 2]);

#[unsafe(no_mangle)]
static WANTED_PORTS: Global<[u32; 2]> = Global::new([0; 2]);

#[unsafe(no_mangle)]
static WANTED_PID: Global<u32> = Global::new(0);

/// Whether a filter may let pass what process `pid` of `cgroup` does between two ends, each an address
/// and a port.
#[inline(always)]
pub(crate) fn is(cgroup: u64, pid: u32, local: ([u8; 16], u16), remote: ([u8; 16], u16)) -> bool {
    let wanted = WANTED_PID.load();
    if wanted != 0 && wanted != pid {
        return false;
    }
    let port = |wanted: u32| {
        let is = |port: u16| wanted == u32::from(port);
        wanted == 0 || is(remote.1) || is(local.1)
    };
    let address = |wanted: [u64; 2]| {
        let is = |address| words(address) == wanted;
        wanted == [0; 2] || is(remote.0) || is(local.0)
    };
    let [port_a, port_b] = WANTED_PORTS.load();
    let [address_a, address_b] = WANTED_ADDRESSES.load();
    port(port_a)
        && port(port_b)
        && address(address_a)
        && address(address_b)
        && (WANTED_CGROUPS.load() == 0 || REFUSED.get_ptr(&cgroup).is_none())
}
