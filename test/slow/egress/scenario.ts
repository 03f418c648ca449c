/** The scenario of `test/slow/egress.test.ts`: a house at work for so many seconds, then the search through all that left it. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { systemClock } from '../../../src/base/clock.ts';
import { run } from '../../../src/base/spawn.ts';
import { headBytes } from '../../../src/outbox/boxfile.ts';
import { plaintextOf, searchFolders, type Plaintext } from '../../e2e/plaintext.ts';
import { sallyport, shortFolder } from '../../e2e/site.ts';
import { namesAsked, readCapture, streamsOf, type Packet } from './capture.ts';
import { Link } from './link.ts';
import { findMarkers } from './markers.ts';
import { farAddresses, farPorts, homeAddress } from './plan.ts';
import { House, type FarReport } from './prove.ts';
import { proveRules } from './rules.ts';

/** The webhook's host is resolved by its proxy. */
const declaredNames = ['dav.far.test', 'mqtt.far.test', 'ntfy.far.test', 'proxy.far.test', 's3.far.test'];
/** When the broker is told to turn a camera, and to end its privacy, which is refused. */
const [turnRound, lowerRound] = [8, 10];
/** Longer than an alarm with what comes after it, so that each is one of its own. */
const alarmRounds = 12;

export async function proveEgress(t: Test, seconds: number): Promise<void> {
  const link = await Link.build(t);
  const captures = await shortFolder(t);
  const pcap = await link.capture(t, join(captures, 'main.pcap'));
  const house = await House.build(t, link);
  const visitor = await house.visitor(seconds);
  await house.declare((await visitor.next<{ kit: string }>()).kit);

  // The work: footage is sealed and goes to both stores, alarms ring, somebody looks, cameras are looked for.
  let gone = false;
  const visit = visitor.next<{ pages: number; liveBytes: number; segments: number; alarms: number; pictures: number }>().finally(() => { gone = true; });
  visit.catch(() => {}); // awaited below
  for (let round = 0; !gone; round++) {
    if (round % alarmRounds === 0) await alarm(house);
    if (round % 20 === 0) t.equal((await link.inHome([sallyport, 'discover', '--json', '--socket', house.socket])).status, 0);
    if (round === turnRound) await house.far.order('publish sallyport/camera-1/place/set place-1');
    if (round === lowerRound) await house.far.order('publish sallyport/camera-1/privacy/set OFF');
    await systemClock.sleep(1000);
  }
  const seen = await visit;
  t.ok(seen.pages > 0 && seen.liveBytes > 10_000 && seen.segments > 0, `the visitor saw ${JSON.stringify(seen)}`);
  t.ok(seen.alarms > 0 && seen.pictures > 0, 'alarms and their pictures among it');
  await house.far.order('publish sallyport/camera-1/privacy/set ON');
  while (!(await house.status()).cameras.some(({ privacy }) => privacy)) await systemClock.sleep(100);
  await house.stopHub();

  await t.test('what is not declared is refused in code, and what is told to go elsewhere does not', async (t) => {
    const { name } = await house.hubSide.outbox.probe('elsewhere');
    t.match(await house.hubSide.answerTo(name), { outcome: 'failed', code: 'SP_FAR_UNDECLARED' });
    t.same(await house.notify('motion'), ['done', 'done', 'done'], 'control: notices arrive');
    await house.far.order('redirect');
    t.same(await house.notify('doorbell'), ['SP_FAR_REDIRECT', 'done', 'done']);
  });

  await house.settled();
  const report = await house.far.order<FarReport>('report');
  await house.stopCourier();
  await pcap.stop();
  const packets = readCapture(join(captures, 'main.pcap'));
  const ledger = await house.ledger();
  const told = ledger.filter(({ kind, destination, class: of, outcome }) => kind === 'notice' && destination === 'phone' && outcome === 'done' && (of === 'person' || of === 'motion'));
  t.comment(`${packets.length} packets in ${seconds} s; ${ledger.length} lines in the ledger; ${told.filter(({ sizeBytes }) => sizeBytes > 0).length} of ${told.length} alarms told with their picture; ${report.bodies} messages, ${report.states} states; the visitor saw ${JSON.stringify(seen)}`);

  await t.test('addresses outside of what is declared: none; each that is declared was spoken to', async (t) => {
    const { odd, spoken } = strangersIn(packets);
    t.same(odd, []);
    t.same(spoken, Object.keys(farPorts).toSorted());
    t.same(report.strangers, [], 'and nobody came to the host that is not declared');
    t.same(report.joined, ['hook.far.test:443'], 'nor was the proxy asked for anybody else');
  });

  await t.test('names outside of what is declared: none', async (t) => {
    t.same(namesAsked(packets), declaredNames, 'as the capture has them');
    t.same(report.asked, declaredNames, 'as the resolver heard them');
  });

  await t.test('what lies at the far ends is what the ledger says, object by object', async (t) => {
    t.ok(ledger.filter(({ kind, class: of, outcome }) => kind === 'put' && of === 'segment' && outcome === 'done').length >= 8, 'footage went to both');
    t.ok(ledger.some(({ destination, kind, class: of, outcome }) => destination === 'dav' && kind === 'put' && of === 'keyring' && outcome === 'done'), 'the sealed keys of one to the other');
    t.match(new Set(ledger.filter(({ kind }) => kind === 'heard').map(({ class: of }) => of)), new Set(['done', 'lowers privacy']), 'what the broker ordered');
    for (const [to, folder] of [['dav', house.path('far/dav')], ['s3', house.path('far/s3')], ['disk', house.path('disk')]] as const) {
      const rows = ledger.filter((row) => row.destination === to && row.outcome === 'done');
      const said = new Map<string, string>();
      for (const { kind, object, sha256 } of rows) {
        if (kind === 'put') said.set(object, sha256);
        if (kind === 'delete') said.delete(object);
      }
      // What was on its way when the hub stopped has its answer in the outbox yet.
      const open = new Set(house.answered.filter((answer) => answer.to === to).map(({ object }) => object));
      const there = await hashesIn(folder);
      t.same([...there].filter(([object]) => !open.has(object)).toSorted(), [...said].filter(([object]) => !open.has(object)).toSorted(), to);
      t.ok(there.size > open.size, `${there.size} objects`);
      if (to === 'disk') continue;
      // TLS and its heads, and what is read back or asked, make it more; what was never sent makes it less.
      const carried = packets.filter((packet) => packet.to === farAddresses[to]).reduce((sum, { payload }) => sum + payload.length, 0);
      const sent = [...rows, ...house.answered.filter((answer) => answer.to === to)].reduce((sum, { sentBytes = 0 }) => sum + sentBytes, 0);
      t.ok(carried >= sent && carried < sent * 1.3 + 200_000, `${to}: ${sent} bytes in the ledger, ${carried} on the wire`);
    }
  });

  const markers = house.markers();
  t.ok(markers.length >= 30, `${markers.length} markers`);
  const frames = together(await Promise.all(house.cameras.flatMap(({ scenes }) => [plaintextOf(scenes.main, []), plaintextOf(scenes.sub, [])])));
  t.ok(frames.runs > 2000, `${frames.runs} runs of the pictures of both cameras, large and small`);
  t.ok((await readdir(house.path('outbox-copies'))).length > 10, 'what lay in the outbox was copied');
  const streams = await written(house, 'streams', packets);
  await mkdir(house.path('bodies'));
  await cp(house.path('far/bodies.txt'), house.path('bodies/bodies.txt'));
  const [far, outbox] = await eachOnce(house, [house.path('far/dav'), house.path('far/s3'), house.path('disk')], house.path('outbox-copies'));

  await t.test('plaintext on the wire, in the outbox, in the far stores, in what phones and programs were told: none', async (t) => {
    t.same(await findMarkers([streams, far, outbox], markers), []);
    t.same(await findMarkers([house.path('bodies')], markers.filter(({ told }) => told !== true)), []);
    t.match(await readFile(house.path('bodies/bodies.txt'), 'latin1'), /"filename":"[0-9a-f]{32}\.jpg\.age"[^]*age-encryption\.org\/v1/, 'an alarm\'s own picture was among it, sealed');
    for (const [folders, o] of [[[streams, outbox, house.path('bodies')], { runsOnly: true }], [[far], {}]] as const) {
      const { findings, files, bytes } = await searchFolders(folders, frames, o);
      t.same(findings, [], `in ${files} files, ${bytes} bytes`);
    }
  });

  await t.test('the control: the same looks find what is sent on purpose', (t) => control(t, house, frames, join(captures, 'control.pcap')));
  await t.test('the rules that systemd is given hold: proven as rules of the namespace', (t) => proveRules(t, house));
}

async function alarm(house: House): Promise<void> {
  for (const [index, camera] of house.cameras.entries()) {
    const { status, stderr } = await run('curl', ['--silent', '--show-error', '--fail-with-body', '--unix-socket', house.path('emulator.sock'), 'http://emulator/faults', '-d', JSON.stringify({ camera: camera.name, fault: 'event', value: index === 0 ? 'person' : 'motion', forSeconds: 3 })], { package: 'curl' });
    if (status !== 0) throw new Error(stderr);
  }
}

/** To whom something was sent who is not declared, in words; and who of the declared was. */
function strangersIn(packets: readonly Packet[]): { odd: string[]; spoken: string[] } {
  const odd = new Set<string>();
  const spoken = new Set<string>();
  for (const { from, to, kind, fromPort, toPort } of packets) {
    // What the far side sends is its own matter; whom the home answers is looked at.
    if (from !== homeAddress && !from.startsWith('fd99:0:0:0:0:0:0:2') && !/^fe80|^0:0/.test(from) && from !== '0.0.0.0') continue;
    if (kind === 'tcp' && farPorts[to] === toPort) spoken.add(to);
    else if (kind === 'tcp' && to === farAddresses.gateway && fromPort === 7443) continue; // the page, to its visitor
    else if (kind === 'udp' && to === farAddresses.gateway && toPort === 53) continue;
    else if (kind === 'arp' || kind === 'igmp' || (kind === 'icmpv6' && /^ff02:|^fe80:|^fd99:0:0:0:0:0:0:1$/.test(to))) continue; // the kernel's, with its neighbours
    else if (kind === 'udp' && ((to === '239.255.255.250' && toPort === 3702) || (to === '224.0.0.251' && toPort === 5353))) continue; // cameras are looked for; no router hands it on
    else odd.add(`${kind} ${from}:${fromPort} > ${to}:${toPort}`);
  }
  return { odd: [...odd], spoken: [...spoken].toSorted() };
}

function together(all: readonly Plaintext[]): Plaintext {
  const byStart = new Map<number, Buffer[]>();
  const begins = new Uint8Array(2 ** 16);
  for (const one of all) {
    for (const [start, runs] of one.byStart) byStart.set(start, [...(byStart.get(start) ?? []), ...runs]);
    for (const [index, begun] of one.begins.entries()) begins[index] = (begins[index] ?? 0) | begun;
  }
  return { byStart, begins, runs: all.reduce((sum, { runs }) => sum + runs, 0) };
}

/** Object → SHA-256. */
async function hashesIn(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return new Map(await Promise.all(names.map(async ({ name, parentPath }) => [name.slice(-32), sha256(await readFile(join(parentPath, name)))] as const)));
}

/**
 * What lies at several stores and lay in the outbox is one sealed thing, so each content is looked through once: links to what is far, by its hash, with
 * all names in a file; and of the outbox the heads of orders, and the bodies that are not far.
 */
async function eachOnce(house: House, stores: readonly string[], copies: string): Promise<[far: string, outbox: string]> {
  const [far, outbox] = [house.path('far-once'), house.path('outbox-once')];
  const names: string[] = [];
  for (const folder of [far, outbox]) await mkdir(folder);
  for (const store of stores) {
    for (const { name, parentPath } of (await readdir(store, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())) {
      const bytes = await readFile(join(parentPath, name));
      names.push(join(parentPath, name).slice(store.length));
      await writeFile(join(far, sha256(bytes)), bytes, { flag: 'wx' }).catch(isThere);
    }
  }
  const known = new Set(await readdir(far));
  for (const name of await readdir(copies)) {
    const bytes = await readFile(join(copies, name));
    const body = bytes.subarray(headBytes);
    await writeFile(join(outbox, name), known.has(sha256(body)) ? bytes.subarray(0, headBytes) : bytes);
  }
  await writeFile(join(far, 'names'), names.join('\n'));
  return [far, outbox];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function written(house: House, name: string, packets: readonly Packet[]): Promise<string> {
  const folder = house.path(name);
  await mkdir(folder);
  let number = 0;
  for (const [stream, bytes] of streamsOf(packets)) await writeFile(join(folder, String(number++)), Buffer.concat([Buffer.from(`${stream}\n`), bytes]));
  return folder;
}

/** Each kind of thing that is looked for, sent in the open over the same link. */
async function control(t: Test, house: House, frames: Plaintext, file: string): Promise<void> {
  const { link } = house;
  const markers = house.markers();
  const pcap = await link.capture(t, file);
  await writeFile(house.path('planted'), Buffer.concat([Buffer.from(markers.map(({ text }) => text).join('\n')), await readFile(house.cameras[0]?.scenes.main ?? '')]));
  const program = `
    import { readFileSync } from 'node:fs'; import { createSocket } from 'node:dgram'; import { lookup } from 'node:dns/promises';
    const bytes = readFileSync(${JSON.stringify(house.path('planted'))}); const socket = createSocket('udp4');
    const send = (piece, port, address) => new Promise((resolve) => socket.send(piece, port, address, resolve));
    for (let at = 0; at < bytes.length; at += 1400) await send(bytes.subarray(at, at + 1400), 9, '198.51.100.7');
    await lookup('planted.example').catch(() => {}); socket.close();`;
  const sent = await link.inHome([process.execPath, '--input-type=module', '-e', program]);
  t.equal(sent.status, 0, sent.stderr);
  await pcap.stop();
  const packets = readCapture(file);
  t.same(strangersIn(packets).odd.map((line) => line.split(' > ')[1]), ['198.51.100.7:9'], 'the address');
  t.ok(namesAsked(packets).includes('planted.example'), 'the name');
  const streams = await written(house, 'control-streams', packets);
  const found = new Set((await findMarkers([streams], markers)).map(({ what }) => what));
  t.same(markers.filter(({ what }) => !found.has(what)), [], 'every marker');
  t.equal((await searchFolders([streams], frames, { runsOnly: true })).findings.length, 1, 'the pictures');
  await writeFile(house.path('far/dav/planted.mp4'), await readFile(house.cameras[0]?.scenes.main ?? ''));
  t.equal((await searchFolders([house.path('far/dav')], frames)).findings.length, 1, 'a film in a far store');
}
