#!/bin/sh
# Installs programs that some tests need and that are not npm packages. For Debian and Ubuntu; needs root.
# Without them the tests are skipped with a message, unless CI=true.
# With the argument "peers" also those that only npm run test:peers needs.
set -eu

# prometheus: the system test scrapes the running collector; promtool checks rules and metric pages.
packages="prometheus"

# Of these any version will do that the machine has already.
wants() {
  command -v "$1" >/dev/null || packages="$packages $2"
}

# The SDKs for Python and Go: test/system/clients. Go before 1.21 cannot fetch the newer one that go.mod names.
wants python3 python3
python3 -c "import ensurepip, venv" 2>/dev/null || packages="$packages python3-venv"
wants go golang-go
if [ "${1:-}" = "peers" ]; then
  wants javac openjdk-17-jdk-headless
  wants mvn maven
  command -v cargo >/dev/null ||
    echo "The SDK for Rust needs cargo 1.88 or newer, which Debian does not have. Its tests are skipped." >&2
fi

missing=""
for package in $packages; do
  if ! dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q "ok installed"; then
    missing="$missing $package"
  fi
done

if [ -z "$missing" ]; then
  echo "Everything is installed: $packages."
  exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
  echo "Cannot install$missing without root. Run: sudo $0" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
# shellcheck disable=SC2086 # a list of words
apt-get install --quiet=2 --assume-yes --no-install-recommends $missing
