/** Makes a failing input small: pieces are taken out, from halves to single bytes, and what stays is made plain, as long as it fails. */
export async function shrink(bytes: Buffer, fails: (candidate: Buffer) => Promise<boolean>, triesMax: number): Promise<Buffer> {
  let best = bytes;
  let tries = 0;
  const attempt = async (candidate: Buffer): Promise<boolean> => {
    if (tries++ >= triesMax || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let piece = Math.ceil(best.length / 2); piece >= 1 && tries < triesMax; piece = piece === 1 ? 0 : Math.ceil(piece / 2)) {
    for (let at = 0; at < best.length && tries < triesMax;) {
      if (!(await attempt(Buffer.concat([best.subarray(0, at), best.subarray(at + piece)])))) at += piece;
    }
  }
  for (let at = 0; at < best.length && tries < triesMax; at++) {
    if (best[at] === 0) continue;
    const candidate = Buffer.from(best);
    candidate[at] = 0;
    await attempt(candidate);
  }
  return best;
}
