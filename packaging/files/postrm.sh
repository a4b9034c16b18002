#!/bin/sh
set -e
# Purged or not, /etc/vault-dr and /var/lib/vault-dr stay: keys and the only copy of something may be in them.
@UPGRADE@ && exit 0
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
