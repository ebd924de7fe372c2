#!/usr/bin/env bash
# Makes the packages in target/packages: an archive and a .deb, both with the static program, and SHA256SUMS.
#
#   packaging/build.sh           builds the static release of the program first, for TARGET (x86_64-unknown-linux-gnu)
#   packaging/build.sh --built   packs the dynamic target/release/scp-079-avatar, which must be built already
#
# Needs Rust, a C compiler and dpkg-dev; installs cargo-deb below the build directory. The time stamps in the packages
# are those of the commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/toolchain
target="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
export CARGO_TARGET_DIR="$target"
# A source archive has no commit. This script does not export SOURCE_DATE_EPOCH: if it changes between two calls
# of cargo, cargo compiles SQLite again, and everything above it.
packed_at="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat --format=%Y Cargo.toml)}"
packages="$target/packages"
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)"

case "${1:-}" in
--built)
    release="$target/release"
    platform="$(uname -m)-linux-dynamic"
    deb_options=()
    ;;
'')
    triple="${TARGET:-x86_64-unknown-linux-gnu}"
    release="$target/$triple/release"
    platform="$triple"
    deb_options=(--target "$triple")
    # grammers resolves names without the C library, so the static program needs no NSS modules. getrandom would search
    # for its function at run time, which fails in a static program, and then need /dev/urandom. The paths of the build
    # host are cut off.
    flags='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"'
    RUSTFLAGS="$flags --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
        cargo build --release --locked --target "$triple" --bin scp-079-avatar
    if LC_ALL=C readelf --program-headers "$release/scp-079-avatar" | grep -q INTERP; then
        echo "$release/scp-079-avatar is not static." >&2
        exit 1
    fi
    ;;
*)
    echo 'usage: packaging/build.sh [--built]' >&2
    exit 64
    ;;
esac

# The files of the .deb that are not in the repository.
stage="$release/package"
rm -rf "$stage" "$packages"
mkdir -p "$stage/systemd" "$stage/sysusers" "$packages"
# With the simulator the dependencies have the features of `cargo test`, so that none is compiled again.
cargo build --quiet --locked -p packaging -p telegram-sim --bin packaging
"$target/debug/packaging" "$stage"
if command -v man >/dev/null; then
    warnings="$(for page in "$stage"/man/*.1; do man --warnings --local-file "$page" 2>&1 >/dev/null; done)"
    if [ -n "$warnings" ]; then
        printf '%s\n' "$warnings" >&2
        exit 1
    fi
fi
# The head of the unit describes the manual installation, whose program is in /usr/local.
head='# SCP-079-AVATAR as a service, one instance per account: /usr/share/doc/scp-079-avatar/docs/packages.md'
for unit in systemd/*.service; do
    sed -e "/^# SCP-079-AVATAR as a service/,/^\$/c\\$head\n" -e 's|/usr/local/bin/|/usr/bin/|' "$unit" \
        > "$stage/systemd/$(basename "$unit")"
done
cp systemd/scp-079-avatar.sysusers.conf "$stage/sysusers/scp-079-avatar.conf"

# Debian asks for the changes of the package beside those of the program.
maintainer="$(sed -n 's/^maintainer = "\(.*\)"$/\1/p' Cargo.toml)"
printf 'scp-079-avatar (%s-1) unstable; urgency=medium\n\n  * The changes are in changelog.gz.\n\n -- %s  %s\n' \
    "$version" "$maintainer" "$(LC_ALL=C date --utc --rfc-email --date="@$packed_at")" \
    > "$stage/changelog.Debian"
gzip --best --no-name "$stage"/man/*.1 "$stage/changelog.Debian"

SOURCE_DATE_EPOCH="$packed_at" .ci/cargo-deb --no-build --no-strip --locked "${deb_options[@]}" --output "$packages/"

name="scp-079-avatar-$version-$platform"
archive="$release/$name"
rm -rf "$archive"
mkdir -p "$archive"
cp "$release/scp-079-avatar" "$archive/"
cp -r "$stage/man" "$stage/completions" systemd docs contrib "$archive/"
cp config.example.toml CHANGELOG.md LICENSE README.md SECURITY.md packaging/Containerfile "$archive/"
tar --create --directory "$release" --sort=name --mtime="@$packed_at" --owner=0 --group=0 --numeric-owner \
    --mode='u=rwX,go=rX' "$name" | gzip --best --no-name > "$packages/$name.tar.gz"
rm -r "$archive"

(cd "$packages" && sha256sum ./*.deb ./*.tar.gz | sed 's|\./||' > SHA256SUMS)
ls -l "$packages"
