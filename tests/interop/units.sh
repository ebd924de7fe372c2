#!/usr/bin/env bash
# Checks the units of systemd/ with systemd's own tools: `systemd-analyze verify` finds nothing but settings that this
# systemd does not know yet, the exposure is at most 1.1, and the file for sysusers.d can be read.
# Usage: tests/interop/units.sh, from anywhere.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Settings of the units that systemd older than 254 ignores.
newer='RestartSteps|RestartMaxDelaySec'
highest=1.1

dir="$(mktemp -d)"
trap 'rm -rf "$dir"' EXIT
# The commands of the units have to exist for `verify`. The program is not installed here.
for unit in systemd/*.service; do
    sed "s|^ExecStart=/usr/local/bin/|ExecStart=$dir/|" "$unit" > "$dir/$(basename "$unit")"
done
printf '#!/bin/sh\n' > "$dir/scp-079-avatar"
chmod 755 "$dir/scp-079-avatar"

# An instance is verified, because a template alone has no %i.
for unit in "$dir"/*@.service; do
    cp "$unit" "${unit%@.service}@main.service"
done
if ! SYSTEMD_UNIT_PATH="$dir:" .ci/systemd-analyze verify --man=no "$dir"/*@main.service > "$dir/found" 2>&1; then
    cat "$dir/found"
    echo 'systemd-analyze verify failed.'
    exit 1
fi
if grep -vE "Unknown key( name)? '($newer)' in section" "$dir/found"; then
    echo 'systemd-analyze verify found the lines above.'
    exit 1
fi
unknown="$(grep -oE "'($newer)'" "$dir/found" | sort -u | tr '\n' ' ' || true)"
echo "verify: clean${unknown:+, apart from settings that this systemd does not know: $unknown}"

threshold="$(awk -v highest="$highest" 'BEGIN { print int(highest * 10 + 0.5) }')"
if ! .ci/systemd-analyze security --offline=true --threshold="$threshold" "$dir/scp-079-avatar@.service" \
    > "$dir/exposure" 2>&1; then
    cat "$dir/exposure"
    echo "The exposure is above $highest."
    exit 1
fi
grep 'Overall exposure level' "$dir/exposure"

if command -v systemd-sysusers >/dev/null; then
    mkdir -p "$dir/root/etc"
    systemd-sysusers --root="$dir/root" "$PWD/systemd/scp-079-avatar.sysusers.conf"
    grep '^scp-079-avatar:.*:/var/lib/scp-079-avatar:/usr/sbin/nologin$' "$dir/root/etc/passwd"
fi
