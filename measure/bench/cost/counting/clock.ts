/** A clock that can be set forward: minutes in which nobody does anything need not be waited for. */
const realNow = Date.now;
let ahead = 0;

Date.now = () => realNow() + ahead;

export function setForward(ms: number): void {
  ahead += ms;
}

/** When the platform, whose clock is the real one, has to ring for it to be this time here. */
export function realTime(at: number): number {
  return at - ahead;
}
