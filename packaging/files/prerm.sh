#!/bin/sh
set -e
@UPGRADE@ && exit 0
if [ -d /run/systemd/system ]; then
  systemctl disable --now --quiet vault-dr-controller vault-dr-agent vault-dr-sandbox vault-dr-web || true
fi
