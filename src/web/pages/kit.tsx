/** The recovery kit: made here, shown once, kept by its owner, proven by two of its groups, and forgotten. Or one that exists is used once. */
import { useEffect, useState } from 'preact/hooks';
import type { Me } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { deviceName } from '../devicename.ts';
import { deviceIdOf } from '../devices.ts';
import { loadKeys, ownerListInHand } from '../load.ts';
import { Heading } from '../navigation.tsx';
import type { Kit, OpenDevice } from '../seams.ts';
import { say } from '../strings.ts';
import { Button } from '../parts/controls.tsx';
import { KitProof, KitToKeep } from '../parts/kitsheet.tsx';
import { useDoing } from '../parts/loaded.ts';
import { Loading, Problem } from '../parts/states.tsx';
import type { You } from './firstowner.tsx';
import { Prose } from '../parts/prose.tsx';

interface KitProps {
  readonly you: You;
  readonly kit: Kit | undefined;
  readonly onKit: (kit: Kit | undefined) => void;
  readonly onOwner: (me: Me, device: OpenDevice) => void;
}

export function KitStep({ you, kit, onKit, onOwner }: KitProps) {
  const [stage, setStage] = useState<'show' | 'confirm' | 'have'>('show');
  const [known, setKnown] = useState(false);
  // A hub that has an owner's list already takes the next one from that owner's kit alone.
  useEffect(() => { void ask('firstList', {}).then(({ text }) => { if (text !== undefined) { setKnown(true); setStage('have'); } }, () => {}); }, []);
  const [file, setFile] = useState('');
  const [fileWrong, setFileWrong] = useState(false);
  const doing = useDoing();
  useEffect(() => { if (kit === undefined && stage === 'show') void loadKeys().then((keys) => keys.makeKit()).then(onKit); }, [kit, stage]);
  const finish = (): void => {
    void doing.run(async () => {
      const { me, device } = await makeOwner(you);
      onOwner(me, device);
    });
  };
  const needsKit = doing.error instanceof Error && 'code' in doing.error && String(doing.error.code).startsWith('SP_OWNER');
  if (stage === 'have') {
    const useFile = (event: Event): void => {
      event.preventDefault();
      void loadKeys().then((keys) => keys.takeKit(file)).then(finish, () => setFileWrong(true));
    };
    return <form class="card" onSubmit={useFile}>
      <div><Heading>{say.first.haveKit}</Heading><p class="lead"><Prose>{say.first.haveKitLead}</Prose></p></div>
      {known ? <p class="note">{say.first.kitNeeded}</p> : null}
      <KitFile onText={(text) => { setFile(text); setFileWrong(false); }} wrong={fileWrong ? say.first.kitFileWrong : undefined} />
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      <div class="buttons"><Button kind="main" type="submit" busy={doing.busy} disabled={file === ''}>{doing.busy ? say.first.making : say.common.next}</Button>{known ? null : <Button kind="quiet" onClick={() => { doing.clear(); onKit(undefined); setStage('show'); }}>{say.first.makeNew}</Button>}</div>
    </form>;
  }
  if (kit === undefined) return <div class="card"><Heading>{say.first.kitTitle}</Heading><Loading /></div>;
  if (stage === 'confirm') {
    return <KitProof kit={kit} heading={<Heading>{say.first.confirmTitle}</Heading>} lead={say.first.confirmLead} label={doing.busy ? say.first.making : say.first.confirm} busy={doing.busy} onProven={finish} onBack={() => { doing.clear(); setStage('show'); }}>
      {doing.error === undefined ? null : <Problem error={doing.error} />}
      {needsKit ? <div class="note care"><p>{say.first.kitNeeded}</p><div class="buttons"><Button onClick={() => { doing.clear(); setStage('have'); }}>{say.first.haveKit}</Button></div></div> : null}
    </KitProof>;
  }
  return <div class="card">
    <div><Heading>{say.first.kitTitle}</Heading><p class="lead">{say.first.kitLead}</p></div>
    <KitToKeep kit={kit} onKept={() => setStage('confirm')}><Button kind="quiet" onClick={() => setStage('have')}>{say.first.haveKit}</Button></KitToKeep>
  </div>;
}

function KitFile({ onText, wrong }: { readonly onText: (text: string) => void; readonly wrong: string | undefined }) {
  return <div class="field"><label for="kit-file">{say.first.kitFile}</label>
    <input id="kit-file" class="input" type="file" accept=".txt,text/plain" aria-invalid={wrong === undefined ? undefined : 'true'} aria-describedby="kit-wrong" onChange={(event) => { void event.currentTarget.files?.[0]?.text().then(onText); }} />
    <span class="wrong" id="kit-wrong" role="alert">{wrong}</span>
  </div>;
}

/** The first owner: the kit signs once, this browser gets a key of its own, and what opens it stays here. */
async function makeOwner(you: You): Promise<{ me: Me; device: OpenDevice }> {
  const keys = await loadKeys();
  const { login, second } = await keys.stretch(you.passphrase);
  const device = await keys.makeDevice(deviceName(navigator.userAgent));
  const { text, earlier } = await ask('firstList', {});
  const ownerList = await keys.ownersList(device, text === undefined ? undefined : { text, earlier });
  const me = await ask('firstOwner', { body: { person: { name: you.name, language: navigator.language, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone }, login, device, ownerList } });
  await keys.keep({ account: me.account.id, login: you.name, id: deviceIdOf(me, device.recipient) }, second);
  second.fill(0);
  // While the kit is in hand no list but its own is believed.
  const opened = await keys.open(device, me.account.id, await ownerListInHand());
  await keys.forgetKit();
  return { me, device: opened };
}
