/** Makes a failing input small: pieces are taken out, from halves to single bytes, and what stays is made plain, as long as it fails. */
export async function shrink(bytes: Buffer, fails: (candidate: Buffer) => Promise<boolean>, limit: { readonly tries: number; readonly ms: number }): Promise<Buffer> {
  let best = bytes;
  let tries = 0;
  const endMs = performance.now() + limit.ms;
  const goesOn = (): boolean => tries < limit.tries && performance.now() < endMs;
  const attempt = async (candidate: Buffer): Promise<boolean> => {
    tries++;
    if (!(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let piece = Math.ceil(best.length / 2); piece >= 1 && goesOn(); piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < best.length && goesOn();) {
      if (!(await attempt(Buffer.concat([best.subarray(0, at), best.subarray(at + piece)])))) at += piece;
    }
  }
  for (let at = 0; at < best.length && goesOn(); at++) {
    if (best[at] === 0) continue;
    const candidate = Buffer.from(best);
    candidate[at] = 0;
    await attempt(candidate);
  }
  return best;
}
