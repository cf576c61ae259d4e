/** The UDP port that is a sidecar's second one unless another is chosen; 0, for any free one, goes with 0. */
export function nextPort(port: number): number {
  if (port === 0) return 0;
  return port < 65535 ? port + 1 : port - 1;
}
