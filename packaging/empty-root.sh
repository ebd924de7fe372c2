#!/usr/bin/env bash
# Runs the static program in a directory tree that holds nothing but the program, its configuration, its data and a
# resolv.conf, as in a container FROM scratch: once through a SOCKS5 proxy by its name, and once by its address, until
# it watches. There is no /dev and no /proc. Usage: packaging/empty-root.sh [PROGRAM], from anywhere. PROGRAM is that of
# packaging/build.sh, or a static build of another profile. Needs root, for chroot and for the port of DNS; without it,
# the script says so and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/toolchain
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
program="${1:-$target/x86_64-unknown-linux-gnu/release/scp-079-avatar}"
# An address of loopback that no other server uses
address=127.0.0.79
name=proxy.example
user=10079

if [ "$(id -u)" != 0 ]; then
    echo 'The static program was NOT RUN in an empty root: chroot needs root.'
    exit 0
fi
cargo build --quiet --locked --bin telegram-sim
root="$(mktemp -d "$target/empty-root.XXXXXX")"
chmod 755 "$root"
scratch="$(mktemp -d)"
sim=
servers=
daemon=
finish() {
    kill $daemon $sim $servers 2>/dev/null || true
    wait
    rm -rf "$root" "$scratch"
}
trap finish EXIT

# Waits until a line of a file matches, for at most a minute; the process must live meanwhile.
wait_for() {
    local file="$1" words="$2" process="$3"
    for _ in $(seq 600); do
        if grep -q "$words" "$file" 2>/dev/null; then
            return
        fi
        kill -0 "$process" || break
        sleep 0.1
    done
    cat "$file" >&2
    echo "No \"$words\" in time." >&2
    exit 1
}

state=/var/lib/scp-079-avatar/main
install -Dm 755 "$program" "$root/usr/bin/scp-079-avatar"
install -d "$root/etc/scp-079-avatar"
install -d -o $user -g $user -m 700 "$root$state"
echo "nameserver $address" > "$root/etc/resolv.conf"
python3 packaging/proxy_by_name.py $address $name > "$scratch/listening" 2>> "$scratch/servers" &
servers=$!
wait_for "$scratch/listening" listening "$servers"
"$target/debug/telegram-sim" --session "$root$state/account.session" > "$scratch/simulator" 2> "$scratch/events" &
sim=$!
wait_for "$scratch/simulator" hide_channel_id "$sim"
hide="$(sed -n 's/.*"hide_channel_id": *\(-[0-9]*\).*/\1/p' "$scratch/simulator")"
chown -R $user:$user "$root$state"

in_root() { chroot --userspec=$user:$user "$root" "$@"; }

for host in $name $address; do
    : > "$scratch/servers"
    cat > "$root/etc/scp-079-avatar/main.toml" <<CONFIG
[telegram]
api_id = 1
api_hash = "0123456789abcdef0123456789abcdef"
[proxy]
enabled = true
hostname = "$host"
[channels]
hide_channel_id = $hide
[encrypt]
password = "correct horse"
CONFIG
    chown $user "$root/etc/scp-079-avatar/main.toml"
    chmod 600 "$root/etc/scp-079-avatar/main.toml"
    in_root /usr/bin/scp-079-avatar check -i main | grep -i proxy
    chroot --userspec=$user:$user "$root" /usr/bin/scp-079-avatar run -i main 2> "$scratch/log" &
    daemon=$!
    wait_for "$scratch/log" ' watching ' "$daemon"
    grep ' watching ' "$scratch/log"
    kill "$daemon"
    wait "$daemon"
    daemon=
    sort "$scratch/servers" | uniq --count
    grep -q SOCKS5 "$scratch/servers"
    if [ "$host" = $name ]; then
        grep -q "DNS $name" "$scratch/servers"
    fi
done
echo "The program runs in an empty root, with the proxy by name and by address. Its files:"
(cd "$root" && find . -type f | sort)
