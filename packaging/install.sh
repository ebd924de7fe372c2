#!/usr/bin/env bash
# Installs the .deb of target/packages in a bare Debian 12, which is a directory below the build directory, runs the
# commands of a service there as the service's user, against telegram-sim on loopback, and removes the package.
# Usage: packaging/install.sh, from anywhere, after packaging/build.sh.
#
# Needs root, for chroot. The first run makes the directory with debootstrap from Debian's archive, and unpacks
# debootstrap below the build directory if it is not installed. Where that is not possible, the script says so and
# succeeds: no Debian, no root or no network is no error of the package.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/toolchain
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
bare="$target/tools/debian-12"
glibc=2.36
instance=main

not_run() {
    echo "The installation of the .deb was NOT RUN: $1."
    exit 0
}

make_bare_root() {
    local tools="$target/tools/debootstrap" debootstrap
    debootstrap="$(command -v debootstrap || true)"
    if [ -z "$debootstrap" ]; then
        command -v apt-get >/dev/null || not_run 'there is neither debootstrap nor apt-get'
        mkdir -p "$tools"
        (cd "$tools" && apt-get download --quiet=2 debootstrap 2>/dev/null) ||
            not_run 'debootstrap cannot be downloaded'
        dpkg-deb --extract "$tools"/debootstrap_*.deb "$tools"
        export DEBOOTSTRAP_DIR="$tools/usr/share/debootstrap"
        debootstrap="$tools/usr/sbin/debootstrap"
    fi
    echo "Making a bare Debian 12 in $bare"
    rm -rf "$bare.new"
    if ! "$debootstrap" --variant=minbase --include=systemd bookworm "$bare.new" http://deb.debian.org/debian \
        > "$bare.log" 2>&1; then
        tail -n 3 "$bare.log"
        rm -rf "$bare.new"
        not_run 'debootstrap failed'
    fi
    rm -rf "$bare.new"/var/cache/apt/archives/*.deb "$bare.new"/var/lib/apt/lists/*
    mv "$bare.new" "$bare"
}

deb="$(ls "$target"/packages/*.deb)"
(cd "$target/packages" && sha256sum --check --quiet SHA256SUMS)
[ "$(id -u)" = 0 ] || not_run 'chroot needs root'
needed="$(dpkg-deb --field "$deb" Depends | sed -n 's/.*libc6 (>= \([0-9.]*\)).*/\1/p')"
if [ -n "$needed" ] && dpkg --compare-versions "$needed" gt "$glibc"; then
    not_run "the program was built with glibc $needed, and Debian 12 has $glibc; the static program needs none"
fi
mkdir -p "$target/tools"
[ -d "$bare" ] || make_bare_root
cargo build --quiet --locked --bin telegram-sim

root="$(mktemp -d "$target/installation.XXXXXX")"
sim=
daemon=
finish() {
    kill $daemon $sim 2>/dev/null || true
    wait
    rm -rf "$root"
}
trap finish EXIT
cp -a "$bare/." "$root"
chroot "$root" /bin/true || not_run 'chroot does not work here'

in_root() { chroot "$root" "$@"; }
as_service() { in_root /usr/sbin/runuser -u scp-079-avatar -- "$@"; }

# Waits until a line of a file matches, for at most a minute; the process must live meanwhile.
wait_for() {
    local file="$1" words="$2" process="$3" tenths
    for tenths in $(seq 600); do
        if grep -q "$words" "$file" 2>/dev/null; then
            return
        fi
        kill -0 "$process" || break
        sleep 0.1
    done
    cat "$file" >&2
    echo "No \"$words\" after $((tenths / 10)) s." >&2
    exit 1
}

echo '-- dpkg --install'
cp "$deb" "$root/tmp/scp-079-avatar.deb"
in_root dpkg --install /tmp/scp-079-avatar.deb
in_root dpkg --listfiles scp-079-avatar | while read -r path; do
    [ -e "$root$path" ] || { echo "$path is missing." >&2; exit 1; }
done
in_root getent passwd scp-079-avatar
if find "$root/etc/systemd/system" -name 'scp-079-avatar*' | grep .; then
    echo 'The installation has enabled a unit.' >&2
    exit 1
fi
in_root bash -n /usr/share/bash-completion/completions/scp-079-avatar
# systemd 252 of Debian 12 does not know these settings.
for unit in scp-079-avatar scp-079-avatar-failure; do
    in_root systemd-analyze verify --man=no "$unit@$instance.service" 2>&1
done | { grep -vE "Unknown key( name)? '(RestartSteps|RestartMaxDelaySec)' in section" || true; } > "$root/tmp/verify"
if [ -s "$root/tmp/verify" ]; then
    cat "$root/tmp/verify" >&2
    echo 'systemd-analyze verify found the lines above in the installed units.' >&2
    exit 1
fi

echo '-- configuration'
state="/var/lib/scp-079-avatar/$instance"
[ "$(stat --format '%a %U' "$root/etc/scp-079-avatar")" = '755 root' ]
in_root install -d -o scp-079-avatar -g scp-079-avatar -m 700 "$state"
"$target/debug/telegram-sim" --session "$root$state/account.session" --join-every 1 \
    > "$root/tmp/simulator" 2> "$root/tmp/events" &
sim=$!
wait_for "$root/tmp/simulator" hide_channel_id "$sim"
hide="$(sed -n 's/.*"hide_channel_id": *\(-[0-9]*\).*/\1/p' "$root/tmp/simulator")"
in_root /usr/bin/scp-079-avatar --version
in_root /usr/bin/scp-079-avatar config | sed -e 's/^api_id = .*/api_id = 1/' \
    -e 's/^api_hash = .*/api_hash = "0123456789abcdef0123456789abcdef"/' \
    -e "s/^hide_channel_id = .*/hide_channel_id = $hide/" \
    -e 's/^password = "\[.*/password = "correct horse"/' > "$root/tmp/config.toml"
in_root install -o scp-079-avatar -m 600 /tmp/config.toml "/etc/scp-079-avatar/$instance.toml"
in_root chown -R scp-079-avatar:scp-079-avatar "$state"

echo '-- check, channels'
as_service scp-079-avatar check -i "$instance" | tail -n 5
as_service scp-079-avatar channels -i "$instance"

echo '-- run, by the command of the unit'
start="$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/scp-079-avatar@.service")"
# `runuser` would stay between this script and the program. The words of the command have no blanks.
# shellcheck disable=SC2086
chroot --userspec=scp-079-avatar:scp-079-avatar "$root" ${start//%i/$instance} 2> "$root/tmp/log" &
daemon=$!
wait_for "$root/tmp/log" ' forwarded ' "$daemon"
grep -m 1 ' watching ' "$root/tmp/log"
grep -m 1 ' forwarded ' "$root/tmp/log"

echo '-- status, joins and why beside it'
as_service scp-079-avatar status --check -i "$instance"
as_service scp-079-avatar status --brief -i "$instance"
as_service scp-079-avatar joins --last 3 -i "$instance"
user="$(sed -n 's/.* forwarded .*user=\([0-9]*\).*/\1/p' "$root/tmp/log" | head -n 1)"
as_service scp-079-avatar why "$user" -i "$instance"
kill "$daemon"
wait "$daemon"
daemon=
tail -n 1 "$root/tmp/log"

echo '-- the same version again, as an upgrade; purge'
in_root dpkg --install /tmp/scp-079-avatar.deb > "$root/tmp/upgrade"
in_root dpkg --purge scp-079-avatar
for path in "/etc/scp-079-avatar/$instance.toml" "$state/account.session" "$state/state.db"; do
    [ -e "$root$path" ] || { echo "The purge has removed $path." >&2; exit 1; }
done
if [ -e "$root/usr/bin/scp-079-avatar" ]; then
    echo 'The purge has left the program.' >&2
    exit 1
fi
echo "Installed, run and removed in Debian $(cat "$root/etc/debian_version"); data and configuration are still there."
