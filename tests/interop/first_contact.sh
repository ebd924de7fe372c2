#!/bin/sh
# Builds the program with the simulator's RSA key in place of Telegram's, and lets it negotiate keys, log in and
# forward photos. Usage: tests/interop/first_contact.sh [--long], from anywhere; --long takes ten minutes.
#
# grammers-mtproto has Telegram's keys compiled in. The script copies that crate and the tree below the build directory,
# replaces a key in the copy, and builds the copy of the tree with a patch on the command line, so that the ordinary
# build and Cargo.lock are not touched. The ordinary binary is put back after the build.
set -eu
cd "$(dirname "$0")/../.."
target="$(realpath "${CARGO_TARGET_DIR:-target}")"
key="$PWD/tests/sim/tests/it/server_key.pem"
work="$target/first-contact"
mkdir -p "$work"

cargo build --locked --bin scp-079-avatar --bin telegram-sim --example first_contact
python3 tests/interop/first_contact.py "$target/debug/telegram-sim" "$key" "$work"

ordinary="$target/debug/scp-079-avatar"
cp -p "$ordinary" "$work/ordinary"
# A copy into the file itself would also change the file in deps that cargo links it to, which the next run would take
# for the patched program.
put_back() {
    cp -p "$work/ordinary" "$work/put-back"
    mv -f "$work/put-back" "$ordinary"
}
trap put_back EXIT
(
    cd "$work/tree"
    # The copy is no checkout. Another value lets the next ordinary build ask git for its commit again.
    SCP079_COMMIT=patched CARGO_TARGET_DIR="$target" cargo build --bin scp-079-avatar \
        --config "patch.crates-io.grammers-mtproto.path = '$work/grammers-mtproto'"
)
cp "$ordinary" "$work/scp-079-avatar"
put_back

"$target/debug/examples/first_contact" --binary "$work/scp-079-avatar" --rsa-key "$key" "$@"
