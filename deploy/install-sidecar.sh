#!/bin/sh
# Installs a sidecar on a machine with systemd, as root. It does nothing until all that it needs is there, and says what is missing.
#
#   sh install-sidecar.sh <folder>
#
# The folder has orion-edge-sidecar.mjs, orion-sidecar.service and 60-orion-edge.conf. The configuration is in /etc/orion-edge:
# sidecar.env with ORION_EDGE, and sidecar.key. npm run sidecar:install and cloud-init/sidecar.yaml put all of it there.
set -eu
from=${1:?Say which folder has the files.}
config=/etc/orion-edge
missing=
miss() {
	missing="$missing
  $1: $2"
}

[ "$(id -u)" = 0 ] || miss not_root "Run this as root."
command -v systemctl > /dev/null || miss no_systemd "This machine has no systemd. In a container, use deploy/container."
for file in orion-edge-sidecar.mjs orion-sidecar.service 60-orion-edge.conf; do
	[ -s "$from/$file" ] || miss no_file "$from/$file is missing."
done
if ! command -v node > /dev/null; then
	miss no_node "Install Node.js 20.19 or newer: apt-get install nodejs"
elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
	miss old_node "Node.js $(node --version) is too old: the sidecar needs 20.19 or newer."
elif [ "$(command -v node)" != /usr/bin/node ] && [ ! -x /usr/bin/node ]; then
	miss node_elsewhere "The service runs /usr/bin/node, and Node.js is at $(command -v node): make a link."
fi
edge=$(sed -n 's/^ORION_EDGE=//p' "$config/sidecar.env" 2> /dev/null | tail -n 1 || true)
case $edge in
"") miss no_edge "Write ORION_EDGE=https://… into $config/sidecar.env: the URL of the Worker." ;;
*.example | *.example.com | *//example.* | *.you.workers.dev) miss placeholder_edge "ORION_EDGE in $config/sidecar.env is still an example: $edge" ;;
https://* | http://*) ;;
*) miss wrong_edge "ORION_EDGE in $config/sidecar.env must begin with https:// or http://." ;;
esac
for file in sidecar.env sidecar.key; do
	if grep -q "$(printf '\r')" "$config/$file" 2> /dev/null; then
		miss windows_lines "$config/$file has the line ends of Windows: sed -i 's/\\r\$//' $config/$file"
	fi
done
if [ ! -s "$config/sidecar.key" ]; then
	miss no_key "Write the key that npm run sidecar:key prints into $config/sidecar.key."
elif ! grep -Eq '^v1\.[A-Za-z0-9_.-]{1,32}\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}$' "$config/sidecar.key"; then
	miss wrong_key "What $config/sidecar.key has is no key of a sidecar."
fi
if [ -n "$missing" ]; then
	printf 'Nothing was installed. Missing:%s\n' "$missing" >&2
	exit 1
fi

install -d -m 755 /opt/orion-edge-sidecar
install -m 644 "$from/orion-edge-sidecar.mjs" /opt/orion-edge-sidecar/orion-edge-sidecar.mjs
install -d -m 755 /etc/sysctl.d
install -m 644 "$from/60-orion-edge.conf" /etc/sysctl.d/60-orion-edge.conf
install -m 644 "$from/orion-sidecar.service" /etc/systemd/system/orion-sidecar.service
chmod 600 "$config/sidecar.env" "$config/sidecar.key"
if [ -d /run/systemd/system ]; then
	sysctl --quiet --load /etc/sysctl.d/60-orion-edge.conf
	systemctl daemon-reload
fi
systemctl enable --quiet orion-sidecar
if [ -d /run/systemd/system ]; then systemctl restart orion-sidecar; fi
echo "The sidecar is installed. Its log: journalctl -u orion-sidecar"
