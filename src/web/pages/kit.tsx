/** The recovery kit: made here, shown once, kept by its owner, proven by two of its groups, and forgotten. Or one that exists is used once. */
import { useEffect, useState } from 'preact/hooks';
import type { Me } from '../../api/pagecontract.ts';
import { ask } from '../api.ts';
import { deviceName } from '../devicename.ts';
import { deviceIdOf } from '../devices.ts';
import { groupsFit, groupsToAsk } from '../crypto/kitgroups.ts';
import { loadKeys, ownerListInHand } from '../load.ts';
import { Heading } from '../navigation.tsx';
import type { Kit, OpenDevice } from '../seams.ts';
import { saveFile } from '../snapshot.ts';
import { say } from '../strings.ts';
import { Button, Check, Field } from '../parts/controls.tsx';
import { useDoing } from '../parts/loaded.ts';
import { Qr } from '../parts/qr.tsx';
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
  const [kept, setKept] = useState(false);
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
  if (stage === 'confirm') return <Confirm kit={kit} busy={doing.busy} error={doing.error} needsKit={needsKit} onConfirmed={finish} onBack={() => { doing.clear(); setStage('show'); }} onHave={() => { doing.clear(); setStage('have'); }} />;
  return <div class="card">
    <div><Heading>{say.first.kitTitle}</Heading><p class="lead">{say.first.kitLead}</p></div>
    <Sheet kit={kit} />
    <p><b>{say.first.kitDo}</b></p>
    <div class="buttons"><Button icon="print" onClick={() => print()}>{say.first.print}</Button><Button icon="save" onClick={() => saveFile(new Blob([kit.text], { type: 'text/plain' }), 'sallyport-kit.txt')}>{say.first.save}</Button></div>
    <Check label={say.first.kitKept} checked={kept} onChange={setKept} />
    <div class="buttons"><Button kind="main" disabled={!kept} onClick={() => setStage('confirm')}>{say.common.next}</Button><Button kind="quiet" onClick={() => setStage('have')}>{say.first.haveKit}</Button></div>
  </div>;
}

function Sheet({ kit }: { readonly kit: Kit }) {
  return <div class="kit-sheet">
    <div class="print-only"><h2>{say.first.kitSheetTitle}</h2><p>{say.first.kitSheetText}</p></div>
    <div class="kit">
      <Qr text={kit.code} label={say.first.kitQr} />
      <div class="stack tight"><p class="small">{say.first.kitPrefix}</p>
        <ol class="kit-groups" aria-label={say.first.kitGroups}>{kit.groups.map((group, index) => <li key={`${index}`}><span class="n">{index + 1}</span><span class="group">{group}</span></li>)}</ol>
      </div>
    </div>
    <p class="print-only mono">{kit.code}</p>
  </div>;
}

interface ConfirmProps {
  readonly kit: Kit;
  readonly busy: boolean;
  readonly error: unknown;
  readonly needsKit: boolean;
  readonly onConfirmed: () => void;
  readonly onBack: () => void;
  readonly onHave: () => void;
}

function Confirm({ kit, busy, error, needsKit, onConfirmed, onBack, onHave }: ConfirmProps) {
  const { groups } = kit;
  const [asked] = useState(() => groupsToAsk(groups));
  const [typed, setTyped] = useState<readonly [string, string]>(['', '']);
  const [tried, setTried] = useState(false);
  const wrong = (n: 0 | 1): boolean => !groupsFit(groups, [{ place: asked[n], text: typed[n] }]);
  const submit = (event: Event): void => {
    event.preventDefault();
    setTried(true);
    if (!wrong(0) && !wrong(1)) onConfirmed();
  };
  const fields: readonly (0 | 1)[] = [0, 1];
  return <form class="card" onSubmit={submit} noValidate>
    <div><Heading>{say.first.confirmTitle}</Heading><p class="lead">{say.first.confirmLead}</p></div>
    <div class="two">{fields.map((n) => <Field
      key={n} label={say.first.group((asked[n]) + 1)} code value={typed[n]} maxLength={12} autofocus={n === 0} wrong={tried && wrong(n) ? say.first.groupWrong : undefined}
      onInput={(value) => { setTried(false); setTyped(n === 0 ? [value, typed[1]] : [typed[0], value]); }}
    />)}</div>
    <p class="hint">{say.first.kitPrefix}</p>
    {error === undefined ? null : <Problem error={error} />}
    {needsKit ? <div class="note care"><p>{say.first.kitNeeded}</p><div class="buttons"><Button onClick={onHave}>{say.first.haveKit}</Button></div></div> : null}
    <div class="buttons"><Button kind="main" type="submit" busy={busy}>{busy ? say.first.making : say.first.confirm}</Button><Button kind="quiet" onClick={onBack}>{say.first.showAgain}</Button></div>
  </form>;
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
