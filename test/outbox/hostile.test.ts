import { linkSync, mkdirSync, openSync, closeSync, ftruncateSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { BackReader, BackWriter } from '../../src/outbox/back.ts';
import { bodyBytesMax, headBytes, listBox, orderNamePattern, writeBoxFile } from '../../src/outbox/boxfile.ts';
import { CommandReader, commandsFolder } from '../../src/outbox/commands.ts';
import { OutReader, Outbox, randomName } from '../../src/outbox/out.ts';
import { folders, sealedText, start, TestClock } from './world.ts';

const nameOf = (): string => `${String(start).padStart(15, '0')}-${randomName()}`;
const clock = new TestClock();

/** Each makes something hostile under `path`; `good` is a file that would be taken. */
const kinds: readonly (readonly [kind: string, make: (path: string, good: string) => unknown, says: RegExp])[] = [
  ['a symbolic link to a good file', (path, good) => symlinkSync(good, path), /symbolic link/],
  ['a symbolic link to a secret', (path) => symlinkSync('/etc/shadow', path), /symbolic link/],
  ['a symbolic link to nothing', (path) => symlinkSync('/nowhere', path), /symbolic link/],
  ['a FIFO', (path) => run('mkfifo', [path]), /not a regular file/],
  ['a device', (path) => run('mknod', [path, 'c', '1', '5']), /not a regular file/],
  ['a folder', (path) => mkdirSync(path), /not a regular file/],
  ['a second name of a good file', (path, good) => linkSync(good, path), /more than one name/],
  ['a huge file', (path) => { writeFileSync(path, ''); truncateSync(path, headBytes + bodyBytesMax + 1); }, /larger than/],
  ['a sparse file of a terabyte', (path) => { const handle = openSync(path, 'w'); ftruncateSync(handle, 2 ** 40); closeSync(handle); }, /larger than/],
  ['a sparse file within the bounds', (path) => { writeFileSync(path, ''); truncateSync(path, headBytes + 5000); }, /head/],
  ['an empty file', (path) => writeFileSync(path, ''), /shorter than its head/],
  ['half a head', (path) => writeFileSync(path, Buffer.alloc(2000, ' ')), /shorter than its head/],
];

t.test('hostile kinds of files are refused on both sides, without waiting and without touching what they point at', async (t) => {
  for (const [kind, make, says] of kinds) {
    const { out, back } = folders(t.testdir());
    const outbox = await Outbox.open({ folder: join(out, '..', 'elsewhere'), clock });
    const { name: good } = await outbox.put(sealedText('good'), { to: 'nas', class: 'segment' });
    const commands = join(back, commandsFolder);
    mkdirSync(commands);
    for (const folder of [out, back, commands]) await make(join(folder, nameOf()), join(out, '..', 'elsewhere', good));
    const [sent] = await new OutReader(out).scan();
    t.equal(sent?.refused?.code, 'SP_OUTBOX_FILE', kind);
    t.match(sent?.refused?.message, says, kind);
    const [returned] = await new BackReader(back).scan();
    t.equal(returned?.refused?.code, 'SP_OUTBOX_FILE', `back: ${kind}`);
    const [came] = await new CommandReader(back).scan();
    t.equal(came?.refused?.code, 'SP_OUTBOX_FILE', `a command: ${kind}`);
    const opened = await Outbox.open({ folder: out, clock });
    t.equal(opened.odd.length, 1, `the hub, which opens its own folder again: ${kind}`);
  }
});

t.test('a socket in the folder is refused', async (t) => {
  const { out } = folders(t.testdir());
  const server = createServer();
  // The path of a socket is short: it is made where the folder is, by a relative name.
  const before = process.cwd();
  process.chdir(out);
  await new Promise<void>((resolve) => { server.listen(nameOf(), resolve); });
  process.chdir(before);
  const [sent] = await new OutReader(out).scan();
  t.equal(sent?.refused?.code, 'SP_OUTBOX_FILE');
  await new Promise((resolve) => { server.close(resolve); });
});

t.test('odd names are counted and never opened', async (t) => {
  const { out } = folders(t.testdir());
  const names = ['.hidden', 'x', '-rf', `${nameOf()}x`, nameOf().toUpperCase(), nameOf().replace('-', '_'), 'a\nb', '\u202etxt', 'ü'.repeat(100), '$(reboot)', `${nameOf()} `, `1${nameOf()}`];
  for (const name of names) writeFileSync(join(out, name), 'x');
  writeFileSync(join(out, Buffer.from([0xff, 0xfe, 0x80]).toString('latin1')), 'x');
  const reader = new OutReader(out);
  t.same(await reader.scan(), []);
  t.equal(reader.odd, names.length + 1);
  t.notOk(names.some((name) => orderNamePattern.test(name)));
});

t.test('a part that is being written is no order', async (t) => {
  const { out } = folders(t.testdir());
  writeFileSync(join(out, `${nameOf()}.part`), 'half');
  t.same(await listBox(out), { files: [], odd: 0 });
});

t.test('an answer under another order\'s name, with another body, or with unknown keys is refused', async (t) => {
  const { back } = folders(t.testdir());
  const writer = await BackWriter.open(back);
  const name = nameOf();
  await writer.answer({ name, to: 'nas', order: 'get', outcome: 'done', at_ms: start, attempts: 1, sent_bytes: 0 }, Buffer.from('sealed bytes'));
  const reader = new BackReader(back);
  t.match((await reader.scan())[0], { name, answer: { outcome: 'done', size: 12 } });
  t.equal((await reader.body(name)).toString(), 'sealed bytes');

  const { readFileSync } = await import('node:fs');
  const bytes = readFileSync(join(back, name));
  const other = nameOf();
  writeFileSync(join(back, other), bytes);
  t.match((await reader.scan()).find((one) => one.name === other)?.refused?.message, /answers another order/);
  const [unknown, ordinary] = [nameOf(), nameOf()];
  const head = { v: 1, to: 'nas', order: 'delete', outcome: 'done', at_ms: start, attempts: 1, sent_bytes: 0 };
  await writeBoxFile(back, unknown, { ...head, name: unknown, run: 'rm' }, undefined);
  await writeBoxFile(back, ordinary, { ...head, name: ordinary }, undefined);
  const scanned = await reader.scan();
  t.match(scanned.find((one) => one.name === unknown)?.refused, { code: 'SP_OUTBOX_FILE', message: /run/ });
  t.match(scanned.find((one) => one.name === ordinary), { answer: { outcome: 'done' }, refused: undefined }, 'control: without it, it is taken');
  bytes[headBytes] = 0;
  writeFileSync(join(back, name), bytes);
  await t.rejects(reader.body(name), { code: 'SP_OUTBOX_FILE', message: /its body is not what its head says/ });
});

t.test('answers stand until the hub has settled the order, over restarts of the courier', async (t) => {
  const { back } = folders(t.testdir());
  const name = nameOf();
  const answer = { name, to: 'nas', order: 'delete', outcome: 'done', at_ms: start, attempts: 1, sent_bytes: 0 } as const;
  await (await BackWriter.open(back)).answer(answer);
  const again = await BackWriter.open(back);
  t.ok(again.has(name));
  await again.forget(name);
  t.notOk(again.has(name));
  t.same(await new BackReader(back).scan(), []);
});
