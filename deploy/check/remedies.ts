/** What an operator can do about each finding. The codes are stable: docs/checking.md lists them, and scripts may go by them. */
export const remedies = {
  dns_no_address:
    "Create an A record, and an AAAA record if the machine has IPv6, and wait until they are known.",
  dns_private_address:
    "Players on the Internet cannot reach a private address: let the name's record have the public one.",
  unreachable: "Start the server, and open its TCP port in the machine's firewall and in the provider's.",
  tls_untrusted:
    "Let the proxy fetch a certificate for exactly this name, like Caddy does, and open TCP port 80 for that.",
  tls_expires_soon:
    "Find out why the certificate is not renewed: look at the proxy's log, and whether TCP port 80 is open.",
  no_tls:
    "Put TLS before the server (docs/vps.md): pages that were loaded over https cannot call one over http.",
  not_orion: "Look at what serves this name: the request has not reached Orion Edge.",
  not_configured:
    "Set the secret with npx wrangler secret put ORION_SECRET. If it is set, the Worker's log says which setting is wrong.",
  unavailable:
    "Look at the server's log: its objects do not answer, or the machine has no room for more players.",
  version_differs:
    "Check out the version that is deployed, or deploy this one, so that the checks fit the server.",
  clock_skew: "Set both clocks by the network: timedatectl set-ntp true.",
  upgrade_stripped:
    "Let the proxy pass on the headers Upgrade and Connection; docs/troubleshooting.md has the lines for nginx.",
  upgrade_answered_by_page:
    "Let WebSockets pass to the server on all paths, and serve no static page on them (run_worker_first in wrangler.toml).",
  upgrade_refused:
    "Look at the proxy, the firewall's bot rules and the server's log: something refused to open a WebSocket.",
  origin_refused: "Add the page's origin to the setting allowedOrigin, and deploy again.",
  origin_any: "List the origins of your game's pages in the setting allowedOrigin.",
  cors_header_wrong:
    "Let the proxy pass on Access-Control-Allow-Origin as the server sets it, and add none of its own.",
  no_sidecar:
    "If players have native clients, start a sidecar (docs/deploying.md); if all play in browsers, there is nothing to do.",
  sidecars_missing: "Look at the log of each sidecar: one that is not accepted says why.",
  sidecar_not_accepted:
    "Look at the sidecar's log: its key comes from another secret, its host is not in sidecarHosts, or its clock is wrong.",
  sidecar_host_unknown: "Correct the name in sidecarHosts or --publicHost, or its DNS record.",
  sidecar_deaf:
    "Give the sidecar a key that was made from the Worker's secret, and update both to one version.",
  udp_blocked:
    "Open the UDP ports for what comes in, in the machine's firewall and in the provider's, and start the sidecar.",
  udp_answers_blocked:
    "Let UDP leave the machine from these ports, and by the address that players send to (docs/sidecar.md).",
  udp_blocked_here: "Run the check from another network: this one lets no UDP out.",
  second_port_closed:
    "Open the second UDP port too: without it the server cannot tell what kind of router a player has.",
  addresses_hidden:
    "Give the sidecar the host's own network (docs/containers.md): something in front of it rewrites players' addresses.",
  ice_none: "Start a sidecar, or set iceServers: without STUN browsers find no direct path to each other.",
  ice_silent: "Correct the server in the setting iceServers, or take it out: browsers wait for it.",
  lobbies_far: "Nothing on your side: the platform did not take the location hint. Look again in an hour.",
  slow_first_access: "Look at the platform's status page, and run the check again later.",
  slow_commit: "Look at the platform's status page, and at the disk of npm start.",
  sockets_died: "Raise the idle timeout of the proxy before the server to ten minutes or more.",
  silent_sockets_died: "Use clients that ping, as the SDK does, or raise the proxy's idle timeout.",
  requests_failed: "Look at the server's log for lines of level error at the time of the check.",
  readers_thrown_out: "Report it: the platform tells the server wrong numbers of clients that read.",
  unread_not_told: "Nothing on your side: the platform does not say what waits for a client.",
  not_checked: "Run the check again. If it fails again, look at the server's log.",
} as const;

export type FindingCode = keyof typeof remedies;
