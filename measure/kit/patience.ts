/** Milliseconds for which tests wait for what has to come. It is far more than it takes, as a busy machine may stop a process for seconds. */
export const patienceMs = 30_000;
