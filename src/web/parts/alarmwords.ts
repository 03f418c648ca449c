/** What alarms say: zones, and the names of whoever was recognised, opened by this device for whom it may concern. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { PageAlarm } from '../../api/pagecontract.ts';
import { readAlarmText, type AlarmText } from '../../policy/alarmtext.ts';
import { AlarmTexts } from '../alarmtexts.ts';
import { ask } from '../api.ts';
import { has, useHeld } from '../held.tsx';
import { loadFootage } from '../load.ts';
import { Naming, wordsOf, type AlarmWords, type Nameable } from '../naming.ts';
import { useLoaded } from './loaded.ts';

const texts = new AlarmTexts(async ({ camera, id, slot, generation }, signal) => {
  const footage = await loadFootage();
  return readAlarmText(await footage.alarmPicture({ camera, alarm: id, picture: 'text', slot, generation }, signal));
});

/** Once the key is locked, nothing that it opened is kept. */
export function forgetAlarmWords(): void {
  texts.clear();
}

const refreshMs = 15_000;

/** Those whose names this visitor may know; nobody where faces are off, or no owner gave the right. */
export function useNames(): readonly Nameable[] {
  const held = useHeld();
  const may = has(held, 'names');
  // Whoever lost the right, or was forgotten, is named no longer than until the next answer.
  const { value, error } = useLoaded(async (signal) => (may ? (await ask('people', { signal })).people : []), [may], refreshMs);
  return error === undefined ? value ?? nobody : nobody;
}

const nobody: readonly Nameable[] = [];

export interface KnownWords {
  readonly words: ReadonlyMap<string, AlarmWords>;
  /** How many are still being opened. */
  readonly opening: number;
}

/** `opens`: whether this device opens that camera's. `answer`: the hub's, with which words that may have changed are read again. */
export function useAlarmWords(alarms: readonly PageAlarm[], people: readonly Nameable[], opens: (camera: string) => boolean, answer: unknown): KnownWords {
  const [known, setKnown] = useState<ReadonlyMap<string, AlarmText>>(texts.texts);
  const [named, setNamed] = useState<ReadonlyMap<string, Nameable>>(new Map());
  const [opening, setOpening] = useState(0);
  const there = alarms.filter(({ camera }) => opens(camera));
  const key = there.map(({ id }) => id).join(' ');
  useEffect(() => {
    const stop = new AbortController();
    const tell = (): void => {
      if (stop.signal.aborted) return;
      setKnown(texts.texts);
      setOpening(there.filter(({ id, pictures }) => pictures.includes('text') && !texts.texts.has(id)).length);
    };
    tell();
    void texts.open(there, Date.now(), stop.signal, tell);
    return () => stop.abort();
  }, [key, answer]);
  // Each answer of the hub lists them anew, and mostly the same ones.
  const listed = JSON.stringify(people.map(({ id, name, mark }) => [id, name, mark]));
  const naming = useMemo(() => new Naming(people), [listed]);
  useEffect(() => {
    let over = false;
    void Promise.all([...known].map(async ([id, text]) => [id, await naming.whoIs(id, text)] as const)).then((found) => {
      if (!over) setNamed(new Map(found.flatMap(([id, who]) => (who === undefined ? [] : [[id, who]]))));
    });
    return () => { over = true; };
  }, [known, naming]);
  const names = has(useHeld(), 'names');
  const words = useMemo(() => new Map([...known].map(([id, text]) => [id, wordsOf(text, named.get(id), names)])), [known, named, names]);
  return { words, opening };
}
