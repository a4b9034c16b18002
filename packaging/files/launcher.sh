#!/bin/sh
# vault-dr, by the Node.js that is installed with it.
here=$(dirname "$(readlink -f "$0")")
lib=${here%/*}/lib/vault-dr
exec "$lib/node" "$lib/bin/vault-dr.js" "$@"
