import t from 'tap';
import { silentLog } from '../../src/base/log.ts';
import { Notices } from '../../src/duties/notices.ts';
import { Told } from '../../src/duties/told.ts';
import { StillClock } from '../cameras/farend.ts';

t.test('what happens and does not last stands for a week with its words, also over a restart and a disk that takes nothing', async (t) => {
  const clock = new StillClock();
  const stored = new Map<string, string>();
  const disk = { fails: false };
  const vault = {
    audit: async () => {},
    setting: async (name: string) => { if (disk.fails) throw new Error('the disk is gone'); return JSON.parse(stored.get(name) ?? 'null') ?? undefined; },
    putSetting: async (name: string, value: unknown) => { if (disk.fails) throw new Error('the disk is gone'); stored.set(name, JSON.stringify(value)); },
  };
  const begin = (): { told: Told; notices: Notices } => {
    const told = new Told({ vault, clock, log: silentLog });
    const notices = new Notices({ vault, clock, log: silentLog, onTold: (notice) => told.note(notice) });
    told.start();
    return { told, notices };
  };
  const first = begin();
  first.notices.raise('disk full', 'none');
  first.notices.tell('new camera', '', 'garden');
  const at = clock.nowMs;
  t.same(first.told.list, [{ kind: 'new camera', camera: 'garden', detail: '', sinceMs: at }], 'what lasts is not among it');
  t.equal(first.notices.open.length, 1);
  await first.told.close();

  const second = begin();
  disk.fails = true;
  second.notices.tell('new destination', 'disk');
  disk.fails = false;
  await second.told.close();
  const third = begin();
  while (third.told.list.length < 2) await new Promise((resolve) => setImmediate(resolve));
  t.same(third.told.list.map(({ kind, detail }) => [kind, detail]), [['new destination', 'disk'], ['new camera', '']]);
  clock.nowMs += 7 * 24 * 3_600_000;
  t.same(third.told.list, []);
  await third.told.close();
});
