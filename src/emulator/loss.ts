/** What the network does to a viewer's RTP packets: some are lost, some overtake others. For as long as the quirks say so. */
import { randomInt } from 'node:crypto';
import type { Quirks } from './face.ts';
import { harm, packetsOf, type Hostility } from './hostile.ts';

/** For one viewer: turns a whole unit (interleaved RTP packets) into what is sent. */
export function alterAsQuirksSay(quirks: Quirks): (unit: Buffer) => Buffer {
  let hostile: Hostility | undefined;
  let harmful: ((unit: Buffer) => Buffer) | undefined;
  let overtaken: Buffer | undefined;
  return (unit) => {
    if (quirks.hostile !== hostile) {
      hostile = quirks.hostile;
      harmful = harm(hostile);
    }
    const altered = harmful === undefined ? unit : harmful(unit);
    const { lossPercent = 0, reorderPercent = 0 } = quirks;
    if (lossPercent <= 0 && reorderPercent <= 0 && overtaken === undefined) return altered;
    const sent: Buffer[] = [];
    for (const packet of packetsOf(altered)) {
      if (happens(lossPercent)) continue;
      if (overtaken === undefined && happens(reorderPercent)) {
        overtaken = packet;
        continue;
      }
      sent.push(packet);
      if (overtaken !== undefined) sent.push(overtaken);
      overtaken = undefined;
    }
    return Buffer.concat(sent);
  };
}

function happens(percent: number): boolean {
  return randomInt(10_000) < percent * 100;
}
