import t from 'tap';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { acceptChange, acceptNamespace, approvalDocument, judgeConsent } from '../../src/duties/consent.ts';
import type { PendingChange } from '../../src/policy/consent.ts';
import { facesNotice } from '../../src/policy/facesnotice.ts';
import type { HubConfig } from '../../src/policy/settings.ts';
import { Identity } from '../../src/seal/identity.ts';
import { makeOwnerList, readOwnerList, readTakenOwnerList } from '../../src/seal/owner.ts';
import { Vault } from '../../src/vault/vault.ts';
import { makeDevice, type Device } from '../../src/web/crypto/device.ts';
import { makeKit } from '../../src/web/crypto/kit.ts';
import { firstOwnerList, nextOwnerList } from '../../src/web/crypto/ownerlist.ts';

const dayMs = 86_400_000;

function signApproval(change: PendingChange, nowMs: number, by: Pick<Device['identity'], 'sign'> | Identity): { id: string; document: string; signature: string } {
  const document = approvalDocument(change, nowMs);
  return { id: change.id, document, signature: (by instanceof Identity ? by.signer() : by).sign(document, acceptNamespace) };
}

function configOf(footageDays: number): HubConfig {
  return {
    name: 'test', data: '/nowhere', dataMount: false, socket: '/nowhere/control.sock', record: { periodMs: 3_600_000, cutAfterMs: 60_000, thumbnails: true },
    keep: { footageMs: footageDays * dayMs, logsMs: dayMs, auditMs: dayMs }, disk: {}, scrub: { everyMs: 1, bytesPerSecond: 1 }, time: { source: 'system', settleMs: 1000 },
    discovery: { loopback: false, interfaces: [] }, page: { enabled: false, port: 0, httpPort: 0, names: [], panels: false }, capture: { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', jail: 'files' }, faces: { enabled: false, consentMs: dayMs, lock: 'hub' as const }, log: { level: 'info' }, privacy: [], zones: [], alarms: [], recordings: [], destinations: [], cameras: [],
  };
}

t.test('a device of the owner may say yes, and one that was taken out may not any more', async (t) => {
  const kit = makeKit(Date.now()).identity;
  const [phone, tablet] = [makeDevice('phone'), makeDevice('tablet')];
  const first = firstOwnerList(kit, phone.shape, Date.now());
  const both = nextOwnerList(first, kit, { kind: 'device', device: tablet.shape }, Date.now());
  const left = nextOwnerList(both, kit, { kind: 'device removed', recipient: tablet.identity.recipient }, Date.now());
  const vault = await Vault.open({ folder: join(t.testdir(), 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
  await judgeConsent(vault, configOf(3));
  const change = (await judgeConsent(vault, configOf(7))).pending[0]!;
  const yesOf = (device: Device): ReturnType<typeof signApproval> => signApproval(change, Date.now(), device.identity);
  await t.rejects(acceptChange(vault, readTakenOwnerList(left, 'it'), change, yesOf(tablet)), { code: 'SP_BAD_SIGNATURE', message: /another key/ });
  await t.rejects(acceptChange(vault, readTakenOwnerList(left, 'it'), change, yesOf(makeDevice('a stranger\'s'))), { code: 'SP_BAD_SIGNATURE' });
  await acceptChange(vault, readTakenOwnerList(both, 'it'), change, yesOf(tablet));
  t.equal((await judgeConsent(vault, configOf(7))).effective.keep.footageMs, 7 * dayMs);
  await vault.close();
});

t.test('the notice about faces, its version and its hash stand in the audit: as it was asked, and as the owner signed it', async (t) => {
  const kit = Identity.generate();
  const owner = readOwnerList(makeOwnerList(kit, Date.now()), 'owner.json');
  const vault = await Vault.open({ folder: join(t.testdir(), 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
  const wanted: HubConfig = { ...configOf(3), faces: { enabled: true, consentMs: dayMs, lock: 'hub' as const } };
  const asked = await judgeConsent(vault, wanted);
  t.equal(asked.effective.faces.enabled, false);
  const change = asked.pending[0]!;
  await acceptChange(vault, owner, change, signApproval(change, Date.now(), kit));
  t.equal((await judgeConsent(vault, wanted)).effective.faces.enabled, true);
  const lines = (await vault.auditBefore(undefined, 10)).lines.map(({ entry }) => JSON.parse(entry ?? '{}') as { what: string; detail: { text?: string; document?: string } });
  const said = [lines.find(({ what }) => what === 'consent.asked')?.detail.text, lines.find(({ what }) => what === 'consent.given')?.detail.document];
  for (const text of said) t.ok(text?.includes(`notice ${facesNotice.version}, SHA-256 ${facesNotice.sha256}`) && text.includes(facesNotice.text.slice(0, 100)), text ?? 'nothing');
  await vault.close();
});

t.test('a yes counts once, for exactly the change that the owner read, and only from the owner', async (t) => {
  const kit = Identity.generate();
  const owner = readOwnerList(makeOwnerList(kit, Date.now()), 'owner.json');
  const vault = await Vault.open({ folder: join(t.testdir(), 'data'), clock: systemClock, log: silentLog, hubName: 'test' });
  await judgeConsent(vault, configOf(3));
  const asked = await judgeConsent(vault, configOf(7));
  const change = asked.pending[0]!;
  t.equal(asked.effective.keep.footageMs, 3 * dayMs, 'three days are in force until then');
  const document = approvalDocument(change, Date.now());
  const signature = kit.signer().sign(document, acceptNamespace);
  const stranger = Identity.generate().signer().sign(document, acceptNamespace);
  await t.rejects(acceptChange(vault, owner, change, { id: change.id, document, signature: stranger }), { code: 'SP_BAD_SIGNATURE' });
  const other = document.replace('7 days', '8 days');
  await t.rejects(acceptChange(vault, owner, change, { id: change.id, document: other, signature }), { code: 'SP_BAD_SIGNATURE' });
  await acceptChange(vault, owner, change, { id: change.id, document, signature });
  t.equal((await judgeConsent(vault, configOf(7))).effective.keep.footageMs, 7 * dayMs);
  await judgeConsent(vault, configOf(3));
  const again = (await judgeConsent(vault, configOf(7))).pending[0]!;
  t.equal(again.text, change.text, 'the same question once more');
  await t.rejects(acceptChange(vault, owner, again, { id: again.id, document, signature }), { code: 'SP_BAD_SIGNATURE', message: /used before/ });
  await vault.close();
});
