/** The stores and the kit are asked for; nothing of them is kept. */
import { useState } from 'preact/hooks';
import { asSallyportError, type SallyportError } from '../../base/errors.ts';
import { readKit } from '../crypto/kit.ts';
import { Library } from './library.ts';
import type { Opened } from './main.tsx';
import { noPlace, PlaceFields, storeOf } from './place.tsx';
import type { ViewerStore } from './stores.ts';
import { words } from './words.ts';

const kitBytesMax = 65_536;

export function Setup({ onOpened }: { readonly onOpened: (opened: Opened) => void }) {
  const [footage, setFootage] = useState(noPlace);
  const [slots, setSlots] = useState(noPlace);
  const [same, setSame] = useState(false);
  const [kit, setKit] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | SallyportError | undefined>(undefined);

  const open = async (): Promise<void> => {
    const [store, keys] = [storeOf(footage), same ? storeOf(footage) : storeOf(slots)];
    const fault = typeof store === 'string' ? store : typeof keys === 'string' ? keys : kit.trim() === '' ? words.noKit : undefined;
    if (fault !== undefined || typeof store === 'string' || typeof keys === 'string') return setWrong(fault);
    setBusy(true);
    setWrong(undefined);
    try {
      narrowTo([store, keys]);
      const identity = readKit(kit);
      try {
        const library = await Library.open({ slots: keys, stores: [store], identities: [identity] });
        setKit('');
        onOpened({ library, identity });
      } catch (error) {
        identity.close();
        throw error;
      }
    } catch (error) {
      setWrong(asSallyportError(error));
      setBusy(false);
    }
  };

  return <form onSubmit={(event) => { event.preventDefault(); void open(); }}>
    <p>{words.lead}</p>
    <p class="small">{words.trust}</p>
    <fieldset><legend>{words.footage}</legend><PlaceFields id="footage" draft={footage} onDraft={setFootage} /></fieldset>
    <fieldset><legend>{words.slots}</legend>
      <p class="small">{words.slotsHint}</p>
      <p><label><input type="checkbox" checked={same} onChange={(event) => setSame(event.currentTarget.checked)} /> {words.same}</label></p>
      {same ? null : <PlaceFields id="slots" draft={slots} onDraft={setSlots} />}
    </fieldset>
    <fieldset><legend>{words.kit}</legend>
      <p class="field"><label for="kit-file">{words.kitFile}</label><input id="kit-file" type="file" accept=".txt,text/plain" onChange={(event) => {
        const file = event.currentTarget.files?.[0];
        if (file !== undefined && file.size <= kitBytesMax) void file.text().then(setKit);
      }} /></p>
      <p class="field"><label for="kit-typed">{words.kitTyped}</label><textarea id="kit-typed" rows={3} value={kit} autocomplete="off" spellcheck={false} onInput={(event) => setKit(event.currentTarget.value)} /><small>{words.kitHint}</small></p>
    </fieldset>
    {wrong === undefined ? null : <p class="wrong" role="alert">{typeof wrong === 'string' ? wrong : `${wrong.message} (${wrong.code})`}{typeof wrong !== 'string' && wrong.code === 'SP_FAR_UNREACHABLE' ? ` ${words.cors}` : ''}</p>}
    <p><button type="submit" disabled={busy}>{busy ? words.opening : words.open}</button></p>
  </form>;
}

/** From here on to these alone, whatever runs in the page. A policy can only be added to, never taken back: other stores need the page anew. */
function narrowTo(stores: readonly ViewerStore[]): void {
  const origins = [...new Set(stores.flatMap(({ origin }) => origin ?? []))];
  const policy = document.createElement('meta');
  policy.httpEquiv = 'Content-Security-Policy';
  policy.content = `connect-src ${origins.length === 0 ? "'none'" : origins.join(' ')}`;
  document.head.append(policy);
}
