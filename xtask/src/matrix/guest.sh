# shellcheck shell=sh
# The first program inside another kernel: makes of an emulated machine one that tests can run on.
#
# Its root is the host's, read-only over 9p; `$1` is a directory that both may write. There `output`
# is what the tests print, and `status` is 0 once all have passed. `$2` is a filter for the tests,
# and what follows are their executables.

out=$1 filter=$2
shift 2
exec >"$out/output" 2>&1 </dev/null

ip link set lo up
# Somewhere to write, which must not hide the tree if that is under /tmp.
case $PWD/ in
/tmp/*) export TMPDIR=/dev/shm ;;
*) mount -t tmpfs tmpfs /tmp ;;
esac
bin=${TMPDIR:-/tmp}/bin

# What the engine would load by itself, from a place it does not know.
modprobe -a overlay bridge veth br_netfilter nf_tables nft_compat nft_chain_nat xt_addrtype \
    xt_conntrack xt_MASQUERADE ip_tables iptable_filter iptable_nat
# nftables' own way in is slow to be found out where there is no table yet.
echo 1 >/proc/sys/net/ipv4/ip_forward

# Large programs are read a page at a time over 9p, but copied in one go.
mkdir "$bin"
for program in dockerd docker docker-proxy docker-init containerd containerd-shim-runc-v2 runc; do
    found=$(command -v "$program") && cp "$found" "$bin"
done
cp "$PROBE_BIN" "$bin/probe"
cp "$@" "$bin"
export PROBE_BIN="$bin/probe" PATH="$bin:$PATH"

status=0
for executable in "$@"; do
    # shellcheck disable=SC2086 # An empty filter is none.
    "$bin/${executable##*/}" --test-threads 1 $filter || status=$?
done
echo "$status" >"$out/status"
sync
