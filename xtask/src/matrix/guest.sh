# shellcheck shell=sh
# The first program inside another kernel: makes of an emulated machine one that tests can run on.
#
# Its root is the host's, read-only over 9p; `$1` is a directory that both may write. There `output`
# is what the tests print, and `status` is 0 once all have passed, and the host's root is once more,
# as `host`. `$2` is a filter for the tests, and what follows are their executables.

out=$1 filter=$2
shift 2
exec >"$out/output" 2>&1 </dev/null

ip link set lo up
# Somewhere to write, which must not hide the tree if that is under /tmp.
case $PWD/ in
/tmp/*) export TMPDIR=/dev/shm ;;
*) mount -t tmpfs tmpfs /tmp ;;
esac

# What the engine would load by itself, from a place it does not know.
modprobe -a overlay bridge veth br_netfilter nf_tables nft_compat nft_chain_nat xt_addrtype \
    xt_conntrack xt_MASQUERADE ip_tables iptable_filter iptable_nat
# What a program in a container may ask for.
modprobe sctp
# nftables' own way in is slow to be found out where there is no table yet.
echo 1 >/proc/sys/net/ipv4/ip_forward

# The root keeps no page of a file: each start of a program reads it anew, 4 KiB at a time. An engine
# is hundreds of starts of large programs. So these come from a mount that keeps what it has read.
host=$out/host
tag=$(awk -v at="$host" '$2 == at { print $1 }' /proc/mounts)
umount "$host"
mount -t 9p -o ro,version=9p2000.L,trans=virtio,msize=524288,cache=loose "$tag" "$host"
for directory in /usr/bin /usr/sbin /usr/local/bin /usr/lib64 /usr/lib/x86_64-linux-gnu; do
    [ -d "$directory" ] && mount --bind "$host$directory" "$directory"
done
export PROBE_BIN="$host$PROBE_BIN" WORKLOAD_BIN="$host$WORKLOAD_BIN"

status=0
for executable in "$@"; do
    # shellcheck disable=SC2086 # An empty filter is none.
    "$host$executable" --test-threads 1 $filter || status=$?
done
echo "$status" >"$out/status"
sync
