#!/bin/sh
# Becomes a small machine whose first process is systemd, as process 1 of namespaces that were made for it:
#   unshare --fork --pid --mount --ipc --uts --cgroup boot.sh FOLDER CHECKOUT
# It has this machine's programs and configuration of Debian's below layers that are forgotten, folders of its own for all else, and none of this machine's services.
# The kernel's settings are only read there, so that nothing that a start of systemd sets reaches this machine.
set -eu
machine=$1
checkout=$2
mount --make-rprivate /
mount -t tmpfs -o mode=755,size=4g machine "$machine"
cd "$machine"
mkdir usr etc var proc sys dev run tmp root home opt srv mnt source .layers .before
for link in bin lib lib64 sbin; do
  if [ -L "/$link" ]; then ln -s "$(readlink "/$link")" "$link"; else mkdir "$link" && mount --bind "/$link" "$link"; fi
done
mount -t tmpfs layers .layers
for name in usr etc; do
  mkdir -p ".layers/$name/upper" ".layers/$name/work"
  mount -t overlay overlay -o "lowerdir=/$name,upperdir=.layers/$name/upper,workdir=.layers/$name/work" "$name"
done
umount -l .layers
# Of the services of this machine none.
mount -t tmpfs -o mode=755 units etc/systemd/system
for unit in systemd-sysctl systemd-modules-load systemd-logind systemd-udevd systemd-random-seed systemd-timesyncd systemd-update-utmp modprobe@; do ln -s /dev/null "etc/systemd/system/$unit.service"; done
for unit in sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount dev-hugepages.mount proc-sys-fs-binfmt_misc.automount; do ln -s /dev/null "etc/systemd/system/$unit"; done
# Not this machine's accounts of Sallyport, where it has some: those are to be made here.
for name in passwd group shadow gshadow; do grep -v '^sallyport' "/etc/$name" >".accounts" || true; cat .accounts >"etc/$name"; done
rm -rf .accounts .layers etc/fstab etc/machine-id etc/sallyport etc/credstore
: >etc/machine-id
# `ip netns exec` shows the namespace's own here.
cat /etc/resolv.conf >.resolv && rm -f etc/resolv.conf && mv .resolv etc/resolv.conf
mkdir -p var/lib var/log var/tmp var/cache
chmod 1777 tmp var/tmp
chmod 0700 root
mount --bind "$checkout" source
mount -o remount,ro,bind source
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf || true
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
for name in null zero full random urandom tty; do : >"dev/$name" && mount --bind "/dev/$name" "dev/$name"; done
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 run run
pivot_root . .before
umount -l .before
rmdir .before
# As systemd does where it is no guest: what it mounts for a unit (credentials) comes by a namespace of its own.
mount --make-rshared /
exec env -i container=sallyport PATH=/usr/sbin:/usr/bin TERM=dumb /lib/systemd/systemd --system --unit=multi-user.target --show-status=no --log-target=journal-or-kmsg
