#!/bin/sh
set -e
if @UPGRADE@; then
  # A newer version may have left what this one can't read.
  there=$(cat /usr/lib/vault-dr/state-format 2>/dev/null || echo 0)
  if [ "$there" -gt @STATE_FORMAT@ ]; then
    echo "vault-dr: this version can't read what the installed one keeps in /var/lib/vault-dr." >&2
    echo "vault-dr: (state format $there, this version: @STATE_FORMAT@). Install a newer version instead." >&2
    exit 1
  fi
fi
