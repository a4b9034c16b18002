#!/bin/sh
# Creates the bucket with object lock, and so with versioning; repeatable.
set -eu

shell() { echo "$1" | /usr/bin/weed shell -master=s3:9333 -filer=s3:8888 2>&1; }

until shell 's3.bucket.list' | grep -q '^  vault-backups'; do
  shell 's3.bucket.create -name vault-backups -withLock'
  sleep 1
done
