extends RefCounted
## All that a link knows when it opens.

## Our end: 0 is side a, the host's.
var side := 0
var random_seed := 0
## The secret by which numbers are skipped (numbers.gd).
var skip_key := PackedByteArray()
## How the sidecar saw us; no address if it did not say.
var own_ip := ""
var own_port := 0
var own_mapping := "unknown"
## Where the sidecar saw the peer; no address if the lobby is relay-only, or the peer has no UDP.
var peer_ip := ""
var peer_port := 0
## Whether it has shown to be there.
var is_peer_proven := false
var peer_ports: Array[int] = []
var peer_mapping := "unknown"
## What the peer claims: {ip, port, is_proven}.
var claims: Array[Dictionary] = []
## This machine's addresses: {ip, prefix_length}.
var own_addresses: Array[Dictionary] = []
var own_ports: Array[int] = []
## Why there is no UDP here: "no-udp", "udp-blocked" or "no-sidecar"; empty where there is.
var no_udp := ""
## The sidecar, also the relay if there is one. No address without UDP.
var sidecar_ip := ""
var sidecar_port := 0
## Whether there is a ticket for the relay over UDP.
var has_relay := false
## The channels that may open (path.gd).
var channels: Array[int] = []
## Only relays are allowed: nothing is sent to an address of the peer's.
var is_relay_only := false
var has_v6 := false
