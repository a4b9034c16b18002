#!/bin/sh
set -e
systemd-sysusers vault-dr.conf
# Keys and configuration. An existing one stays as it is.
[ -e /etc/vault-dr ] || install -d -m 0750 -o root -g vault-dr /etc/vault-dr
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  if @UPGRADE@; then
    for unit in vault-dr-controller vault-dr-agent vault-dr-sandbox vault-dr-web; do
      if systemctl is-active --quiet "$unit"; then
        echo "vault-dr: $unit still runs the version that was installed before. Runs survive: systemctl restart $unit"
      fi
    done
  fi
fi
