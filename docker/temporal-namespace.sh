#!/bin/sh
# Creates the namespace and the search attributes; repeatable.
set -eu

until temporal operator cluster health; do sleep 2; done
temporal operator namespace describe --namespace default >/dev/null 2>&1 \
  || temporal operator namespace create --namespace default --retention 30d
until temporal operator search-attribute list --namespace default >/dev/null 2>&1; do sleep 2; done
while read -r name type; do
  temporal operator search-attribute create --namespace default --name "$name" --type "$type"
done </docker/search-attributes.txt
