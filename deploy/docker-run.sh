#!/bin/sh
# The probe as a container that sees this host. docs/deploy.md says what fails without each option.
exec docker run --detach --name probe --restart unless-stopped \
    --pid host --network host --cgroupns host \
    --cap-drop ALL --cap-add BPF --cap-add PERFMON --cap-add NET_ADMIN \
    --security-opt no-new-privileges --security-opt seccomp=unconfined \
    --read-only --memory 256m \
    --volume /sys/fs/cgroup:/sys/fs/cgroup:ro \
    --volume /var/run/docker.sock:/var/run/docker.sock:ro \
    probe:0.1.0 run
