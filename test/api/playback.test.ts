import { createHash, randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import t, { type Test } from 'tap';
import { rangeOf, type PlaybackPart } from '../../src/api/page.ts';
import { SallyportError } from '../../src/base/errors.ts';
import { Identity } from '../../src/seal/identity.ts';
import { Identity as BrowserIdentity } from '../../src/web/crypto/identity.ts';
import { resealDocument, resealNamespace } from '../../src/policy/ownerdocuments.ts';
import { WatchLog } from '../../src/duties/watchlog.ts';
import { resealSlot } from '../../src/web/crypto/slot.ts';
import { openDoor, type Door } from './pagekit.ts';

const bytes = randomBytes(200_000);

/** Sealed bytes as a playback duty gives them, and what was asked of it. `lookedUp`: what finding a segment waits for. */
async function door(t: Test, lookedUp: () => Promise<unknown> = async () => {}): Promise<{ door: Door; open: () => number; asked: string[] }> {
  let open = 0;
  const asked: string[] = [];
  const playback: PlaybackPart = {
    timeline: async ({ camera, fromMs, toMs }) => {
      asked.push(`timeline ${camera} ${fromMs} ${toMs}`);
      return { periods: [], segments: [], gaps: [], observations: [] };
    },
    slot: async (camera, slot) => {
      if (slot === 9) throw new SallyportError('SP_SLOT_MISSING', { what: `slot ${slot} of ${camera}` });
      return Buffer.alloc(1024, 0x20);
    },
    secondHeader: async (camera, stream, seq, slot) => {
      if (slot === 9) throw new SallyportError('SP_SEGMENT_MISSING', { file: 'x' });
      asked.push(`hold ${camera} ${stream} ${seq} ${slot}`);
      return Buffer.alloc(168, 0x41);
    },
    segment: async (_camera, _stream, seq) => {
      if (seq === 9) throw new SallyportError('SP_SEGMENT_MISSING', { file: 'x' });
      await lookedUp();
      open++;
      return {
        size: bytes.length,
        async *read(from, to) {
          for (let at = from; at < to; at += 16_384) yield bytes.subarray(at, Math.min(to, at + 16_384));
        },
        close: () => { open--; },
      };
    },
  };
  return { door: await openDoor(t, { playback }), open: () => open, asked };
}

t.test('who has left while a segment was looked up keeps no file open', async (t) => {
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const { door: site, open } = await door(t, async () => {
    asked.resolve();
    await found.promise;
    // After whatever the answer does at once.
    setImmediate(() => setImmediate(given.resolve));
  });
  const { browser } = await site.owner();
  const { hostname, port } = new URL(browser.base);
  const call = httpsRequest({ host: hostname, port, path: '/api/v1/segments/front/main/3', headers: { cookie: browser.cookie ?? '' }, rejectUnauthorized: false, agent: false });
  const left = new Promise((resolve) => { call.once('close', resolve); });
  call.on('error', () => {}).end();
  await asked.promise;
  call.destroy();
  await left;
  // The hub has seen it by the time that it answers others.
  for (let n = 0; n < 3; n++) await browser.get('hello');
  found.resolve();
  await given.promise;
  for (let n = 0; n < 20 && open() > 0; n++) await browser.get('hello');
  t.equal(open(), 0);
});

t.test('a segment by ranges: whole, first, last, open, beyond, odd; a tag instead of bytes that are there already', async (t) => {
  const { door: site, open } = await door(t);
  const { browser } = await site.owner();
  const path = 'segments/front/main/3';
  const whole = await browser.get(path);
  t.equal(whole.status, 200);
  t.ok(whole.bytes.equals(bytes));
  t.match(whole.headers, { 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream', 'content-length': String(bytes.length), 'x-content-type-options': 'nosniff' });
  for (const [range, from, to] of [['bytes=0-0', 0, 1], ['bytes=0-99', 0, 100], ['bytes=199999-', 199_999, 200_000], ['bytes=-5', 199_995, 200_000], ['bytes=100-999999', 100, 200_000], ['bytes=-999999', 0, 200_000]] as const) {
    const part = await browser.get(path, { range });
    t.equal(part.status, 206, range);
    t.equal(part.headers['content-range'], `bytes ${from}-${to - 1}/${bytes.length}`);
    t.ok(part.bytes.equals(bytes.subarray(from, to)), range);
  }
  for (const range of ['bytes=200000-', 'bytes=999999-1000000', 'bytes=-0']) {
    const none = await browser.get(path, { range });
    t.match([none.status, none.code, none.headers['content-range']], [416, 'SP_PAGE_RANGE', `bytes */${bytes.length}`], range);
  }
  for (const range of ['bytes=5-2', 'bytes=a-b', 'bytes=0-1,5-6', 'items=0-1', 'bytes=-', 'bytes=--1', `bytes=0-${'9'.repeat(40)}`]) t.equal((await browser.get(path, { range })).status, 200, `${range} is no range`);
  const tag = String(whole.headers['etag']);
  t.equal((await browser.get(path, { 'if-none-match': tag })).status, 304);
  t.equal((await browser.get(path, { 'if-range': '"other"', 'range': 'bytes=0-9' })).status, 200);
  t.equal((await browser.get(path, { 'if-range': tag, 'range': 'bytes=0-9' })).status, 206);
  t.match([(await browser.get('segments/front/main/9')).status, (await browser.get('slots/front/9/1')).status], [410, 410], 'what is purged is gone');
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(open(), 0, 'every file was given back');
});

t.test('ranges are read as RFC 9110 says', async (t) => {
  t.same(rangeOf('bytes=0-4', 10), { from: 0, to: 5 });
  t.same(rangeOf('bytes=-4', 0), 'none');
  t.same(rangeOf('bytes=0-', 0), 'none');
  t.same(rangeOf(undefined, 10), undefined);
});

interface TrailLine { readonly what: string; readonly who: string; readonly camera?: string; readonly fromMs?: number; readonly toMs?: number; readonly detail?: string }
const viewings = (lines: readonly TrailLine[]): TrailLine[] => lines.filter(({ what }) => what === 'footage.playback');

t.test('a film strip of a day is one line of the audit: who, which camera, from when to when', async (t) => {
  const { door: site } = await door(t);
  const owner = await site.owner();
  const member = await site.member(owner.browser, 'member', ['home']);
  const dayStartMs = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const made = [];
  for (let hour = 0; hour < 25; hour++) made.push(await site.vault.preparePeriod({ camera: 'front', class: 'footage', startMs: dayStartMs + hour * 3_600_000, endMs: dayStartMs + (hour + 1) * 3_600_000, deadlineMs: dayStartMs + 3 * 86_400_000, recipients: [owner.kit.recipient] }));
  // Slot 9 is missing here.
  const periods = made.filter(({ slot }) => slot !== 9);
  let writes = 0;
  const change = site.vault.changeAccounts.bind(site.vault);
  site.vault.changeAccounts = (...args) => { writes++; return change(...args); };
  for (let again = 0; again < 3; again++) {
    // As many beside each other as a browser asks.
    for (let at = 0; at < periods.length; at += 6) await Promise.all(periods.slice(at, at + 6).map(async ({ slot, generation }) => t.equal((await member.browser.get(`slots/front/${slot}/${generation}`)).status, 200)));
  }
  t.ok(writes > 0 && writes <= 24, `${writes} writes, none for what was given out before`);
  t.same(await site.vault.setting('page viewings').then((kept) => (kept as { hours: number }[]).map(({ hours }) => hours)), [24], 'on the disk before it is over');
  t.equal((await owner.browser.get(`slots/front/${periods[3]?.slot}/${periods[3]?.generation}`)).status, 200);
  const { lines } = await owner.browser.must<{ lines: TrailLine[] }>('GET', 'audit');
  t.match(viewings(lines), [
    { who: 'Olga Owner', camera: 'front', fromMs: dayStartMs + 3 * 3_600_000, toMs: dayStartMs + 4 * 3_600_000, detail: /"hours":1/ },
    { who: 'a member of home', camera: 'front', fromMs: dayStartMs, toMs: dayStartMs + 25 * 3_600_000, detail: /"hours":24/ },
  ]);
  t.equal(viewings(lines).length, 2);
  for (let again = 0; again < 5; again++) await Promise.all([member.browser.get('slots/front/3/1'), member.browser.get('audit')]);
  t.equal(viewings((await owner.browser.must<{ lines: TrailLine[] }>('GET', 'audit')).lines).length, 2, 'reading it makes no lines');
  site.clock.aheadMs += 11 * 60_000;
  await site.page.retry();
  t.equal(viewings((await owner.browser.must<{ lines: TrailLine[] }>('GET', 'audit')).lines).length, 3, 'after a pause it is over');
  const own = await member.browser.must<{ lines: TrailLine[] }>('GET', 'audit');
  t.ok(own.lines.length > 0 && own.lines.every(({ camera, what }) => camera === 'front' || what.startsWith('page.')), 'a member sees own spaces and own deeds');
});

t.test('a viewing that a kill cuts off is in the audit after the next start; a disk that takes no line gives out no key', async (t) => {
  const { door: site } = await door(t);
  const log = new WatchLog(site.vault, site.clock);
  await log.playback('aaa', 'front', { slot: 1, generation: 1, fromMs: 1000, toMs: 2000 });
  const of = async (): Promise<unknown[]> => (await site.vault.auditBefore(undefined, 100)).lines.map(({ entry }) => JSON.parse(entry ?? '{}') as { what: string }).filter(({ what }) => what === 'footage.playback');
  t.same(await of(), []);
  const change = site.vault.changeAccounts.bind(site.vault);
  site.vault.changeAccounts = () => Promise.reject(new SallyportError('SP_DISK', { reason: 'a fault' }));
  await t.rejects(log.playback('aaa', 'front', { slot: 2, generation: 1, fromMs: 2000, toMs: 3000 }), { code: 'SP_DISK' });
  await t.rejects(log.playback('aaa', 'front', { slot: 2, generation: 1, fromMs: 2000, toMs: 3000 }), { code: 'SP_DISK' }, 'again');
  site.vault.changeAccounts = change;
  const next = new WatchLog(site.vault, site.clock);
  await next.open();
  t.match(await of(), [{ account: 'aaa', camera: 'front', detail: { from_ms: 1000, to_ms: 2000, hours: 1 } }]);
  await new WatchLog(site.vault, site.clock).open();
  t.equal((await of()).length, 1, 'once');
});

t.test('the audit says who makes a clip of what time, before it is made', async (t) => {
  const { door: site } = await door(t);
  const owner = await site.owner();
  const member = await site.member(owner.browser, 'member', ['home']);
  await member.browser.must('POST', 'exports', { camera: 'front', fromMs: 1000, toMs: 31_000 });
  t.equal((await member.browser.post('exports', { camera: 'garden', fromMs: 1000, toMs: 31_000 })).code, 'SP_PAGE_RIGHT', 'another space\'s');
  t.equal((await owner.browser.post('exports', { camera: 'attic', fromMs: 1000, toMs: 31_000 })).code, 'SP_CAMERA_UNKNOWN');
  t.equal((await owner.browser.post('exports', { camera: 'front', fromMs: 1000, toMs: 1000 })).code, 'SP_PAGE_REQUEST');
  const { lines } = await owner.browser.must<{ lines: { what: string; who: string; camera: string; detail: string }[] }>('GET', 'audit');
  t.match(lines.filter(({ what }) => what === 'footage.export'), [{ who: 'a member of home', camera: 'front', detail: /1000.*31000/ }]);
  t.equal(lines.filter(({ what }) => what === 'footage.export').length, 1);
});

t.test('a timeline takes whole numbers only', async (t) => {
  const { door: site, asked } = await door(t);
  const { browser } = await site.owner();
  t.equal((await browser.get('timeline?camera=front&fromMs=-5&toMs=10')).status, 200);
  for (const query of ['camera=front&fromMs=0', 'camera=front&fromMs=0&toMs=1e3', 'camera=front&fromMs=0.5&toMs=1', 'camera=front&fromMs=0&toMs=1&toMs=2', 'camera=front&fromMs=&toMs=1', 'camera=front&fromMs=0&toMs=1&x=1', 'camera=front&fromMs=0&toMs=1&stream=third', 'camera=front&fromMs=99999999999999999999&toMs=1']) {
    t.equal((await browser.get(`timeline?${query}`)).code, 'SP_PAGE_REQUEST', query);
  }
  t.same(asked, ['timeline front -5 10']);
});

t.test('who goes away in the middle leaves nothing open', async (t) => {
  const { door: site, open } = await door(t);
  const { browser } = await site.owner();
  const { connect } = await import('node:tls');
  for (let i = 0; i < 10; i++) {
    await new Promise<void>((resolve) => {
      const socket = connect({ port: Number(new URL(site.base).port), host: '127.0.0.1', rejectUnauthorized: false }, () => {
        socket.write(`GET /api/v1/segments/front/main/3 HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${browser.cookie}\r\n\r\n`);
        socket.once('data', () => socket.destroy());
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve());
    });
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(open(), 0);
});

t.test('an owner\'s device seals a period key anew for other people; a member cannot, an owner\'s session alone cannot, and nothing but such a text is taken', async (t) => {
  const { door: site } = await door(t);
  const owner = await site.owner();
  const member = await site.member(owner.browser, 'member', ['home']);
  const [before, after] = [Identity.generate(), Identity.generate()];
  const startMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
  const period = await site.vault.preparePeriod({ camera: 'front', class: 'footage', startMs, endMs: startMs + 3_600_000, deadlineMs: startMs + 9 * 3_600_000, recipients: [owner.kit.recipient, before.recipient] });
  const old = await site.vault.slotText(await site.vault.periodOfSlot({ camera: 'front', slot: period.slot, generation: period.generation }));
  const text = Buffer.from(resealSlot(old, [BrowserIdentity.parse(before.reveal(), 'it')], [owner.kit.recipient, after.recipient]));
  const sha256 = (of: Buffer): string => createHash('sha256').update(of).digest('hex');
  const signed = (by: Identity, order: { camera?: string; text?: Buffer; from?: string } = {}, namespace = resealNamespace) => {
    const { camera = 'front', text: to = text, from = sha256(old) } = order;
    const reseal = { camera, slot: period.slot, generation: period.generation, from };
    return { ...reseal, text: to.toString('base64url'), signature: by.signer().sign(resealDocument({ ...reseal, to: sha256(to) }), namespace) };
  };
  const order = signed(owner.kit);
  t.equal((await member.browser.post('slots', order)).code, 'SP_PAGE_RIGHT');
  // Whoever has an owner's session and no key of the owner's destroys nothing.
  const other = Buffer.from(resealSlot(old, [BrowserIdentity.parse(before.reveal(), 'it')], [owner.kit.recipient, Identity.generate().recipient]));
  for (const [wrong, code] of [
    [{ ...order, signature: 'x' }, 'SP_BAD_SIGNATURE'], [signed(Identity.generate()), 'SP_OWNER_NEEDED'], [signed(member.kit), 'SP_OWNER_NEEDED'], [{ ...order, text: other.toString('base64url') }, 'SP_BAD_SIGNATURE'],
    [{ ...order, slot: period.slot + 1 }, 'SP_BAD_SIGNATURE'], [{ ...order, generation: period.generation + 1 }, 'SP_BAD_SIGNATURE'], [{ ...order, camera: 'garden' }, 'SP_BAD_SIGNATURE'], [signed(owner.kit, {}, 'sallyport-hold'), 'SP_BAD_SIGNATURE'],
  ] as const) t.equal((await owner.browser.post('slots', wrong)).code, code);
  const { signature: _, ...unsigned } = order;
  t.equal((await owner.browser.post('slots', unsigned)).code, 'SP_PAGE_REQUEST');
  t.ok((await site.vault.slotText(await site.vault.periodOfSlot({ camera: 'front', slot: period.slot, generation: period.generation }))).equals(old), 'the key is the same still');
  t.equal((await owner.browser.post('slots', signed(owner.kit, { camera: 'garden' }))).status, 410, 'another camera\'s');
  t.equal((await owner.browser.post('slots', signed(owner.kit, { text: Buffer.alloc(1024, ' ') }))).code, 'SP_AGE_ARMOR');
  t.equal((await owner.browser.post('slots', signed(owner.kit, { from: 'a'.repeat(64) }))).code, 'SP_SLOT_CHANGED');
  await owner.browser.must('POST', 'slots', order);
  t.ok((await site.vault.slotText(await site.vault.periodOfSlot({ camera: 'front', slot: period.slot, generation: period.generation }))).equals(text));
  t.equal((await owner.browser.post('slots', order)).status, 409, 'not twice');
});
