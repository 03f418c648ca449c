/** When a camera that is missed is looked for, who is asked, and who gets no password. The far ends are false: `test/slow/moved.test.ts` has true ones. */
import t, { type Test } from 'tap';
import { SallyportError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { HeardCamera } from '../../src/cameras/discovery.ts';
import type { CameraAddress } from '../../src/cameras/client.ts';
import { FollowDuty } from '../../src/duties/follow.ts';
import type { NoticeKind } from '../../src/policy/notices.ts';

/** Each sleep passes at once, and the clock with it, until `untilMs`; then it waits for more. */
class FastClock implements Clock {
  nowMs = 0;
  #untilMs = 0;
  #go: () => void = () => {};
  #stopped: () => void = () => {};

  wallMs(): number { return this.nowMs; }
  monotonicMs(): number { return this.nowMs; }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    while (this.nowMs + ms > this.#untilMs) {
      this.#stopped();
      await new Promise<void>((resolve, reject) => {
        this.#go = resolve;
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    }
    this.nowMs += ms;
  }

  /** Resolves when all that was due until then has been done. */
  passUntil(ms: number): Promise<void> {
    this.#untilMs = ms;
    return new Promise((resolve) => {
      this.#stopped = resolve;
      this.#go();
    });
  }
}

const [own, its] = ['44:19:b6:00:00:01', '44:19:b6:00:00:02'];

/** Each value is read anew whenever it is asked for. */
function live<T extends Record<string, () => unknown>>(values: T): { readonly [K in keyof T]: ReturnType<T[K]> } {
  return Object.defineProperties({}, Object.fromEntries(Object.entries(values).map(([name, get]) => [name, { get }]))) as { readonly [K in keyof T]: ReturnType<T[K]> };
}

class World {
  readonly clock = new FastClock();
  readonly online = new Map([['front', true], ['garden', true]]);
  heard: HeardCamera[] = [];
  neighbours = new Map<string, string>();
  certificates: readonly string[] | undefined;
  /** Whether the kernel saw the cameras' own hardware addresses when they were adopted. */
  direct = true;
  /** What moving ends with, by address. */
  refusal: SallyportError | undefined;
  readonly log: string[] = [];
  readonly notices = new Map<string, string>();
  readonly duty: FollowDuty;

  constructor(t: Test, o: { secure?: boolean } = {}) {
    const camera = (id: string, address: string) => ({
      id, name: id, address, port: 80, path: '/onvif/device_service', secure: o.secure === true, user: 'u', keepMs: 1, ownKeep: false, audio: false, record: true, sub: false, events: true, detect: 'both' as const, space: 'home',
    });
    const placed = [camera('front', '192.168.1.20'), camera('garden', '192.168.1.21')];
    this.duty = new FollowDuty({
      clock: this.clock, log: silentLog,
      site: {
        cameras: [...this.online.keys()].map((id) => live({ status: () => ({ camera: id, online: this.online.get(id) === true }) })) as never,
        placed,
        move: async (id: string, to: CameraAddress, by: string) => {
          this.log.push(`${this.#seconds} move ${id} ${to.host}:${to.port}${to.secure === true ? ' by HTTPS' : ''}: ${by}`);
          if (this.refusal !== undefined) throw this.refusal;
          this.online.set(id, true);
          return [];
        },
      },
      listen: Object.assign(live({ heard: () => this.heard }), {
        search: async (_durationMs: number, range?: string) => {
          this.log.push(`${this.#seconds} ${range === undefined ? 'ask everybody' : `ask ${range}`}`);
          return { found: [], leftOut: [] };
        },
      }),
      vault: { setting: async (name: string) => ({ identity: { endpoints: [`urn:uuid:${name}`], hardware: [name === 'camera/front' ? own : its], direct: this.direct }, device: { serial: '1' }, ...(this.certificates === undefined ? {} : { certificates: this.certificates }) }) as never },
      notices: { raise: (kind: NoticeKind, detail: string, camera?: string) => void this.notices.set(`${kind} ${camera}`, detail), settle: (kind: NoticeKind, camera?: string) => void this.notices.delete(`${kind} ${camera}`) },
      neighbourOf: async (address: string) => this.neighbours.get(address),
    });
    this.duty.start();
    t.teardown(() => this.duty.close());
  }

  hear(address: string, o: Partial<HeardCamera> = {}): void {
    this.heard.push({
      id: address, address, port: 80, path: '/onvif/device_service', urn: 'urn:uuid:camera/front', name: undefined, model: undefined, sources: ['ws-discovery'], interface: 'eth0', xaddrs: [], adoptable: true,
      note: undefined, hardware: undefined, secure: false, heardMs: this.clock.nowMs, gone: false, ...o,
    });
  }

  get #seconds(): string {
    return `${Math.round(this.clock.nowMs / 1000)}s`;
  }
}

t.test('nobody is looked for while all are there; who is missed for ten seconds is, and then each half minute', async (t) => {
  const world = new World(t);
  await world.clock.passUntil(60_000);
  t.same(world.log, []);
  world.online.set('front', false);
  await world.clock.passUntil(140_000);
  t.same(world.log, ['72s ask everybody', '102s ask everybody', '132s ask everybody']);
});

t.test('who is heard elsewhere is asked once more and followed when the kernel sends to the hardware address that it had', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  world.neighbours.set('192.168.1.77', own);
  await world.clock.passUntil(4000);
  world.hear('192.168.1.77', { port: 8080 });
  await world.clock.passUntil(30_000);
  t.same(world.log, ['6s ask 192.168.1.77', '6s move front 192.168.1.77:8080: its hardware address'], 'before anybody was asked');
  t.equal(world.notices.size, 0);
});

t.test('who only says so is told, gets nothing, and is not asked more than each half minute', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  world.neighbours.set('192.168.1.66', '66:66:66:66:66:66');
  world.hear('192.168.1.66', { hardware: own });
  await world.clock.passUntil(50_000);
  t.same(world.log, ['2s ask 192.168.1.66', '12s ask everybody', '32s ask 192.168.1.66', '42s ask everybody']);
  t.same([...world.notices], [['camera found elsewhere front', `192.168.1.66: its hardware address is 66:66:66:66:66:66, and not ${own}`]]);
  await t.resolves(world.duty.take('front', {}), 'until the owner says so');
  t.equal(world.log.at(-1), '50s move front 192.168.1.66:80: the owner\'s word');
  t.equal(world.notices.size, 0);
  await t.rejects(world.duty.take('garden', {}), { code: 'SP_CAMERA_NOT_SEEN' });
  await t.rejects(world.duty.take('nobody', {}), { code: 'SP_CAMERA_UNKNOWN' });
});

t.test('not looked at: who went, who was heard long ago, who calls itself otherwise, and who stands where the camera is', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  for (const last of [77, 78, 79, 20]) world.neighbours.set(`192.168.1.${last}`, own);
  world.hear('192.168.1.77', { gone: true });
  world.hear('192.168.1.78', { heardMs: -200_000 });
  world.hear('192.168.1.79', { urn: 'urn:uuid:another' });
  world.hear('192.168.1.20');
  await world.clock.passUntil(11_000);
  t.same(world.log, []);
});

t.test('where others call themselves the same, that says nothing', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  world.neighbours.set('192.168.1.66', '66:66:66:66:66:66');
  world.hear('192.168.1.21');
  world.hear('192.168.1.66');
  await world.clock.passUntil(11_000);
  t.same(world.log, ['2s ask 192.168.1.21', '2s ask 192.168.1.66']);
  t.equal(world.notices.size, 0, 'not even a notice: it is one of many');
});

t.test('a camera with a remembered certificate is asked by HTTPS alone, whatever the kernel sees', async (t) => {
  const world = new World(t, { secure: true });
  world.certificates = ['ab'];
  world.online.set('front', false);
  world.hear('192.168.1.77', { port: 8080 });
  world.refusal = new SallyportError('SP_CAMERA_CERTIFICATE', { camera: 'front', shown: 'cd' });
  await world.clock.passUntil(200_000);
  t.same(world.log.filter((line) => line.includes('move')), ['2s move front 192.168.1.77:80 by HTTPS: its certificate'], 'and not again for five minutes');
  t.match([...world.notices], [[/^camera found elsewhere front$/, /certificate/]]);
});

t.test('a password that is refused at the new address is not sent again for five minutes', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  world.neighbours.set('192.168.1.77', own);
  world.refusal = new SallyportError('SP_CAMERA_REFUSED', { camera: 'front' });
  const again = (): void => {
    world.heard = [];
    world.hear('192.168.1.77');
  };
  for (let ms = 0; ms <= 400_000; ms += 20_000) {
    again();
    await world.clock.passUntil(ms);
  }
  t.same(world.log.filter((line) => line.includes('move')).length, 2);
});

t.test('two cameras whose addresses were exchanged are told from each other, and each is followed', async (t) => {
  const world = new World(t);
  world.neighbours.set('192.168.1.20', its).set('192.168.1.21', own);
  world.hear('192.168.1.20', { urn: 'urn:uuid:camera/garden' });
  world.hear('192.168.1.21', { urn: 'urn:uuid:camera/front' });
  await world.clock.passUntil(2500);
  t.same(world.log, [
    '2s ask 192.168.1.21', '2s move front 192.168.1.21:80: its hardware address', '2s ask 192.168.1.20', '2s move garden 192.168.1.20:80: its hardware address',
  ]);
});

t.test('another hardware address at a camera\'s own address is told, unless a repeater showed its own from the beginning', async (t) => {
  const world = new World(t);
  world.neighbours.set('192.168.1.20', '66:66:66:66:66:66');
  await world.clock.passUntil(2500);
  t.same([...world.notices], [['camera displaced front', `192.168.1.20 is 66:66:66:66:66:66, and not ${own}`]]);
  world.neighbours.set('192.168.1.20', own);
  await world.clock.passUntil(40_000);
  t.equal(world.notices.size, 0);
  world.direct = false;
  world.neighbours.set('192.168.1.20', '66:66:66:66:66:66');
  await world.clock.passUntil(80_000);
  t.equal(world.notices.size, 0);
});

t.test('among many that do not say who they are, each has its turn', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  world.neighbours.set('192.168.1.100', own);
  world.hear('192.168.1.100', { urn: undefined });
  for (let last = 101; last < 121; last++) world.hear(`192.168.1.${last}`, { urn: undefined });
  world.heard.reverse();
  await world.clock.passUntil(8500);
  t.equal(world.log.at(-1), '6s move front 192.168.1.100:80: its hardware address');
});

t.test('one that says who it is does not wait for a crowd that does not, and in a crowd nobody waits for ever', async (t) => {
  const world = new World(t);
  world.online.set('front', false);
  world.neighbours.set('192.168.1.200', own);
  for (let host = 1; host <= 150; host++) world.hear(`192.168.2.${host}`, { urn: undefined });
  world.hear('192.168.1.200');
  await world.clock.passUntil(2500);
  t.equal(world.log[1], '2s move front 192.168.1.200:80: its hardware address');

  const nameless = new World(t);
  nameless.online.set('front', false);
  nameless.neighbours.set('192.168.1.200', own);
  for (let host = 1; host <= 150; host++) nameless.hear(`192.168.2.${host}`, { urn: undefined });
  nameless.hear('192.168.1.200', { urn: undefined });
  await nameless.clock.passUntil(60_000);
  t.match(nameless.log.find((line) => line.includes('move')), /^\d+s move front 192\.168\.1\.200/);
});
