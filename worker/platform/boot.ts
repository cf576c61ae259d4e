let boot = "";

/**
 * Tells this process from those before. With `npm start` all objects are in it, and end with it. At Cloudflare an object that
 * moves to another process asks once more than it would have to whether others are still there.
 */
export function thisBoot(): string {
  boot ||= crypto.randomUUID();
  return boot;
}
