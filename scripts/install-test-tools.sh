#!/bin/sh
# Installs programs that some tests need and that are not npm packages. For Debian and Ubuntu; needs root.
# Without them the tests are skipped with a message, unless CI=true.
set -eu

# prometheus: the system test scrapes the running collector; promtool checks rules and metric pages.
packages="prometheus"

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
