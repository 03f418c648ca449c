import t from 'tap';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from '../../src/base/spawn.ts';
import { quickConfig, sallyport, TestSite } from './site.ts';

interface Emulated { name: string; address: string; onvifPort: number; user: string; password: string }

/** ffmpegs below the process, its own and those of what it started. */
function ffmpegsOf(pid: number): number[] {
  const parents = new Map(readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      return [[Number(name), { parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), name: /^Name:\s+(\S+)/m.exec(status)?.[1] }] as const];
    } catch {
      return [];
    }
  }));
  const below = (child: number): boolean => child === pid || (parents.has(child) && below(parents.get(child)!.parent));
  return [...parents].filter(([child, { name }]) => name === 'ffmpeg' && below(child)).map(([child]) => child);
}

t.test('kill -STOP of a camera in mid-stream: recorded again soon after its return, and the gap tells the time without it', async (t) => {
  // Without thumbnails, whose decoders are ffmpegs too.
  const site = await TestSite.start(t, { adopt: false, config: quickConfig().replace('[record]\n', '[record]\nthumbnails = false\n') });
  const emulated = await launch(sallyport, ['emulate', '--cameras', '1', '--address', `127.182.${randomInt(1, 255)}.2`, '--seconds', '5', '--folder', join(site.folder, 'scenes'), '--json'], { detached: true });
  t.teardown(async () => {
    emulated.kill('SIGCONT');
    emulated.kill('SIGTERM');
    await emulated.exited;
  });
  const { cameras: [camera] } = JSON.parse(await firstDocument(emulated.stdout)) as { cameras: Emulated[] };
  await site.call(['adopt', '--address', `${camera!.address}:${camera!.onvifPort}`, '--user', camera!.user, '--as', 'gate', '--config', site.config], `${camera!.password}\n`);
  await site.until((report) => (report.cameras[0]?.segmentsSealed ?? 0) >= 2);
  const ffmpegs = ffmpegsOf(site.hub!.pid);

  emulated.kill('SIGSTOP');
  const stoppedMs = Date.now();
  const stalled = await site.until((report) => report.cameras[0]?.online === false);
  t.match(stalled.cameras[0]?.state, /^(stalled: .*s, (tried again in \d+ s|being tried again)|offline since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)/);
  // It comes back while the hub is between two tries, or in the middle of one.
  await site.until((report) => (report.cameras[0]?.restarts ?? 0) >= 2);
  emulated.kill('SIGCONT');
  const backMs = Date.now();
  await site.until((report) => report.cameras[0]?.recording === true);
  t.ok(Date.now() - backMs < 15_000, `recorded again ${Date.now() - backMs} ms after its return`);

  const { gaps, segments } = await site.list();
  const [gap] = gaps.filter(({ reason }) => reason === 'stalled');
  t.equal(gaps.filter(({ fromMs }) => fromMs > stoppedMs - 2000).length, 1, 'one gap, however often it was tried');
  t.ok(Math.abs((gap?.fromMs ?? 0) - stoppedMs) < 1000, `it begins where footage ended (${(gap?.fromMs ?? 0) - stoppedMs} ms)`);
  t.ok((gap?.toMs ?? 0) > backMs, 'it ends where footage begins again');
  t.equal(segments.filter(({ startMs, durationMs }) => startMs < gap!.toMs && startMs + (durationMs ?? 0) > gap!.fromMs).length, 0, 'and no footage is claimed in between');
  t.match(await site.call(['metrics', '--config', site.config]), /^sallyport_last_sealed_age_seconds\{camera="gate",stream="main"\} \d+(\.\d+)?$/m);
  t.equal(ffmpegs.length, 1);
  t.equal(await site.stop(), 0);
  t.same(ffmpegs.filter(isAlive), [], 'no ffmpeg outlives the hub');
});

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'ffmpeg';
  } catch {
    return false;
  }
}

async function firstDocument(stdout: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const chunk of stdout) {
    text += String(chunk);
    if (text.trimEnd().endsWith('}') && text.startsWith('{')) {
      try {
        JSON.parse(text);
        return text;
      } catch {
        // more comes
      }
    }
  }
  throw new Error(`no document: ${text}`);
}
