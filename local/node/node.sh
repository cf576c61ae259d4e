#!/bin/sh
# Runs the Node.js that npm has installed beside this file.
folder=$(dirname "$(readlink -f "$0")")/node_modules
for kind in x64 arm64; do
  if [ -x "$folder/node-linux-$kind/bin/node" ]; then exec "$folder/node-linux-$kind/bin/node" "$@"; fi
done
echo "The pinned Node.js is not installed for this machine. Run: npm ci" >&2
exit 1
