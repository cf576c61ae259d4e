/** Orion's timing options, under one name everywhere: `--name` of `npm start`, var of wrangler.toml. Milliseconds. */
export type Timing = {
  /** How long all members have for their first datagram. */
  ptpmServerConnectTimeoutMs: number;
  /** How often the members are asked again for a datagram, until all are seen. */
  ptpmConnectRequestIntervalMs: number;
  /** How long the members have to connect to one another. */
  ptpmConnectTimeoutMs: number;
};

export const defaultTiming: Timing = {
  ptpmServerConnectTimeoutMs: 300_000,
  ptpmConnectRequestIntervalMs: 10_000,
  ptpmConnectTimeoutMs: 300_000,
};

/** The number in a setting's text, or null unless it is a whole number from 1 to `most`. Spaces around it do not count. */
export function positiveInteger(text: string, most = 2 ** 31 - 1): number | null {
  if (!/^\s*\d{1,10}\s*$/.test(text)) return null;
  const value = Number(text.trim());
  return value >= 1 && value <= most ? value : null;
}

/** The port a setting's text stands for, 0 for any free one; null unless it is a whole number from 0 to 65535. */
export function portNumber(text: string): number | null {
  return /^\s*0{1,5}\s*$/.test(text) ? 0 : positiveInteger(text, 65535);
}
