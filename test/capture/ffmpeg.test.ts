import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Secret } from '../../src/base/secret.ts';
import { endingOf, nextPlan } from '../../src/capture/ending.ts';
import { checkFfmpeg, probeArguments, sourceList, streamArguments, type SessionPlan } from '../../src/capture/ffmpeg.ts';

const plan: SessionPlan = { audio: 'drop', hevc: false, richProbe: false };
const movflags = '+frag_every_frame+empty_moov+default_base_moof+skip_trailer';

t.test('ffmpeg is told the same for every camera of a kind', async (t) => {
  const before = ['-hide_banner', '-loglevel', 'warning', '-nostdin'];
  const source = ['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'pipe,rtsp,rtp,tcp', '-i', 'pipe:0'];
  const lean = ['-probesize', '32768', '-analyzeduration', '1'];
  const copy = ['-map', '0:v:0', '-c:v', 'copy', '-copyinkf:v'];
  const plain = ['-f', 'mp4', '-movflags', movflags, '-flush_packets', '1', 'pipe:1'];
  const sounding = ['-max_interleave_delta', '200000', '-f', 'fifo', '-fifo_format', 'mp4', '-format_opts', `movflags=${movflags}:flush_packets=1`, 'pipe:1'];
  t.same(streamArguments(plan), [...before, ...lean, ...source, ...copy, '-an', ...plain]);
  t.same(streamArguments({ ...plan, hevc: true, richProbe: true }), [...before, '-probesize', '1000000', '-analyzeduration', '2000000', ...source, ...copy, '-tag:v', 'hvc1', '-an', ...plain]);
  t.same(streamArguments({ ...plan, audio: 'copy' }), [...before, ...lean, ...source, ...copy, '-map', '0:a:0?', '-c:a', 'copy', ...sounding]);
  t.same(streamArguments({ ...plan, audio: 'transcode' }), [...before, ...lean, ...source, ...copy, '-map', '0:a:0?', '-c:a', 'aac', '-b:a', '64k', '-ac', '1', ...sounding]);
  t.same(probeArguments().slice(-2), ['-i', 'pipe:0']);
});

t.test('the address goes into the list rebuilt, with nothing that could end its quotes', async (t) => {
  const listed = (url: string): string => /^ffconcat version 1\.0\nfile '([^'\n]*)'\noption rtsp_transport tcp\noption timeout 5000000\noption probesize 32768\noption analyzeduration 1\n$/.exec(sourceList('gate', new Secret(url), plan))?.[1] ?? 'not one line';
  for (const [url, expected] of [
    ['rtsp://192.168.1.20/stream', 'rtsp://192.168.1.20/stream'],
    ['rtsp://user:p%40ss@192.168.1.20:8554/a/b?channel=1&subtype=0', 'rtsp://user:p%40ss@192.168.1.20:8554/a/b?channel=1&subtype=0'],
    ["rtsp://us'er:it's@cam.local/it's?a='b'", 'rtsp://us%27er:it%27s@cam.local/it%27s?a=%27b%27'],
    ['rtsp://user:a%0Afile%20%27x%27@10.0.0.1/', 'rtsp://user:a%0Afile%20%27x%27@10.0.0.1/'],
    ['rtsp://user:a%2Fb%3A%25@[fe80::1]:554/x', 'rtsp://user:a%2Fb%3A%25@[fe80::1]:554/x'],
    ['rtsp://user:p%C3%A4ss@10.0.0.1/p%C3%A4th\\x', 'rtsp://user:p%C3%A4ss@10.0.0.1/p%C3%A4th%5Cx'],
    ['rtsp://user@10.0.0.1/x#fragment', 'rtsp://user:@10.0.0.1/x'],
    ['RTSP://10.0.0.1/x', 'rtsp://10.0.0.1/x'],
  ] as const) t.equal(listed(url), expected, url);
});

t.test('what is not a plain rtsp address is refused without quoting it', async (t) => {
  for (const url of [
    'http://10.0.0.1/x', 'rtsps://10.0.0.1/x', 'file:///etc/passwd', 'concat:rtsp://10.0.0.1/|/etc/passwd', 'pipe:0', '/etc/passwd', '', 'rtsp:', 'rtsp://', 'rtsp:///x', 'rtsp:10.0.0.1',
    "rtsp://hunter2@10.0.0.1/x'\nfile '/etc/passwd", 'rtsp://u:hunter2@10.0.0.1/x\nfile x', 'rtsp://u:hunter2@10.0.0.1/\u0000', 'rtsp://u:hunter2@10.0.0.1/a b', 'rtsp://u:hunter2%ZZ@10.0.0.1/',
    'rtsp://u:hunter2%FF@10.0.0.1/', "rtsp://u:hunter2@10.0.0.1'/x", 'rtsp://u:hunter2@host;reboot/x', 'rtsp://u:hunter2@10.0.0.1:99999/', `rtsp://u:hunter2@10.0.0.1/${'x'.repeat(3000)}`,
  ]) {
    t.throws(() => sourceList('gate', new Secret(url), plan), { code: 'SP_CAMERA_ADDRESS' }, JSON.stringify(url.slice(0, 60)));
    try {
      sourceList('gate', new Secret(url), plan);
    } catch (error) {
      t.notMatch(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`, 'hunter2');
    }
  }
});

t.test('ffmpeg is checked by its version before it is relied on', async (t) => {
  const folder = t.testdir({});
  const fake = (version: string): string => {
    const path = join(folder, `ffmpeg-${version.replaceAll(/\W/g, '')}`);
    writeFileSync(path, `#!/bin/sh\necho '${version}'\n`);
    chmodSync(path, 0o700);
    return path;
  };
  t.match((await checkFfmpeg('ffmpeg')).version, /^\d+\.\d+/);
  await t.rejects(checkFfmpeg(join(folder, 'nothing here')), { code: 'SP_FFMPEG_MISSING' });
  await t.rejects(checkFfmpeg(folder), { code: 'SP_FFMPEG_MISSING' }, 'a folder');
  await t.rejects(checkFfmpeg('true'), { code: 'SP_FFMPEG_MISSING' }, 'another program');
  await t.rejects(checkFfmpeg(fake('ffmpeg version 4.4')), { code: 'SP_FFMPEG_OLD', evidence: { version: '4.4' } });
  await t.rejects(checkFfmpeg(fake('ffmpeg version n5.0.3-ubuntu Copyright')), { code: 'SP_FFMPEG_OLD' });
  t.same(await checkFfmpeg(fake('ffmpeg version 5.1.9-0+deb12u1 Copyright (c)')), { version: '5.1.9-0+deb12u1' });
  t.same(await checkFfmpeg(fake('ffmpeg version 10.0 Copyright (c)')), { version: '10.0' });
  t.same(await checkFfmpeg(fake('ffmpeg version N-118000-g1234 Copyright (c)')), { version: 'N-118000-g1234' }, 'a build from its repository');
});

t.test('ffmpeg\'s last words become a reason that the owner understands', async (t) => {
  const reasonOf = (lines: string[], fragments = 0, quietMs = 0): string => endingOf({ lines, fragments, quietMs }).reason;
  t.equal(reasonOf(['[rtsp @ 0x55e9ac07b780] method DESCRIBE failed: 401 Unauthorized', 'pipe:0: Server returned 401 Unauthorized (authorization failed)']), 'credentials refused');
  t.equal(reasonOf(['pipe:0: Server returned 403 Forbidden (access denied)']), 'credentials refused');
  t.equal(reasonOf(['[tcp @ 0x1] Connection to tcp://127.0.0.1:401 failed: Connection refused']), 'camera offline');
  for (const words of ['No route to host', 'Connection timed out', 'Network is unreachable', 'Failed to resolve hostname cam.local: Name or service not known']) t.equal(reasonOf([`[tcp @ 0x1] ${words}`]), 'camera offline', words);
  t.equal(reasonOf(['[concat @ 0x1] Impossible to open \'rtsp://[secret]@h/x\'', 'pipe:0: Invalid data found when processing input']), 'camera offline', 'it was silent, or hung up');
  t.equal(reasonOf(['pipe:0: Server returned 404 Not Found']), 'stream ended');
  t.equal(reasonOf([], 100, 5200), 'stalled', 'status 0 after silence');
  t.equal(reasonOf(['[tcp @ 0x1] Connection timed out'], 100, 5200), 'stalled', 'ffmpeg\'s own time-out, after pictures');
  t.same(endingOf({ lines: ['[mp4 @ 0x55ce] Something odd'], fragments: 3, quietMs: 10 }), { reason: 'stream ended', detail: 'Something odd' });
  t.equal(endingOf({ lines: ['x'.repeat(500)], fragments: 3, quietMs: 10 }).detail.length, 200);
});

t.test('the next try learns from ffmpeg\'s own evidence, and from nothing else', async (t) => {
  const next = (from: SessionPlan, line: string, fragments = 0): SessionPlan => nextPlan(from, { lines: [line], fragments });
  t.same(next(plan, '[mp4 @ 0x1] dimensions not set'), { ...plan, richProbe: true });
  t.same(next(plan, "Stream map '0:v:0' matches no streams."), { ...plan, richProbe: true });
  t.same(next({ ...plan, hevc: true }, "[mp4 @ 0x1] Tag hvc1 incompatible with output codec id '27' (avc1)"), plan);
  t.same(next({ ...plan, audio: 'copy' }, '[mp4 @ 0x1] Could not find tag for codec pcm_alaw in stream #1, codec not currently supported in container'), { ...plan, audio: 'transcode' });
  t.same(next({ ...plan, audio: 'transcode' }, 'Too many packets buffered for output stream 0:0.'), plan);
  for (const line of ['Connection refused', 'pipe:0: Server returned 401 Unauthorized (authorization failed)', 'Non-monotonous DTS']) t.same(next({ ...plan, audio: 'copy', hevc: true }, line), { ...plan, audio: 'copy', hevc: true }, line);
});
