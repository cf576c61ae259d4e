/** Milliseconds after which what was waited for will not come any more. The slowest honest answer takes about 2 s. */
export const patienceMs = 20_000;

/** What `promised` resolves to. Rejects with the sentence if that takes longer than patience lasts. */
export async function within<T>(promised: Promise<T>, otherwise: string, ms = patienceMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), ms);
  });
  try {
    return await Promise.race([promised, tired]);
  } finally {
    clearTimeout(timer);
  }
}
