#!/usr/bin/env bash
# Installs the programs the tests compare the gateway with, where they are
# missing: apt packages on Debian, as root. Otherwise says what to install.
set -euo pipefail

python=/usr/bin/python3 # zeep and xmlsec come as packages of the system's Python

missing=()
need() { # need PACKAGE COMMAND…: the package, unless the command succeeds
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' || command -v initdb; }

need gcc command -v gcc # the race detector is linked by it
need libc6-dev test -e /usr/include/stdlib.h
need openssl command -v openssl
need xmlsec1 command -v xmlsec1
need libxml2-utils command -v xmllint
need python3-zeep "$python" -c 'import zeep'
need python3-xmlsec "$python" -c 'import xmlsec'
need postgresql has_postgres
need libreoffice-calc-nogui command -v soffice # reads XLSX
need poppler-utils command -v pdftotext
need zbar-tools command -v zbarimg
need openssh-server test -x /usr/sbin/sshd
need chromium command -v chromium
need openssh-client command -v ssh-keygen
need libnss3-tools command -v pk12util # gives Chromium client certificates

if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need these Debian packages: ${missing[*]}" >&2
  echo "Install them (as root: apt-get install ${missing[*]}) and run this again." >&2
  exit 1
fi

echo "Installing for the tests: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" >/dev/null; }

apt-get update -o DPkg::Lock::Timeout=120 >/dev/null
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
  # The package would create a cluster and leave it running. The tests start
  # one of their own, so it is told not to, for this installation only.
  install postgresql-common
  settings=/etc/postgresql-common/createcluster.conf
  cp -p "$settings" "$settings.before-tests"
  trap 'mv -f "$settings.before-tests" "$settings"' EXIT
  echo 'create_main_cluster = false' >>"$settings"
fi
if [[ " ${missing[*]} " == *" openssh-server "* && ! -e /usr/sbin/policy-rc.d ]]; then
  # The tests start a server of their own: this one is not to be started.
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d; [ ! -e "${settings:-}.before-tests" ] || mv -f "$settings.before-tests" "$settings"' EXIT
fi
install "${missing[@]}"
