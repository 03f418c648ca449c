/**
 * What lowers privacy waits for an owner's yes: footage, alarms, logs or audit kept longer than now, a microphone switched on, faces
 * recognised, whatever leaves the house and the words in which it names a camera. Whoever can
 * write the file, an installer for example, cannot lower it alone. Everything else, and everything that raises privacy, applies at once.
 *
 * The state is what is in force; the vault stores it as JSON. The signature of an acceptance is checked by the caller.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical.ts';
import { SallyportError } from '../base/errors.ts';
import { dayMs, formatDuration } from '../base/units.ts';
import type { AlarmRule } from './alarmrules.ts';
import { destinationInWords, withoutYes, type DestinationConfig } from './declared.ts';
import { facesNotice } from './facesnotice.ts';
import type { FacesLock } from './people.ts';
import { ruleInWords, rulesLost, type PrivacyRule } from './privacy.ts';
import type { CameraConfig, HubConfig } from './settings.ts';

const goneMax = 256;

export type ConsentKey = 'faces' | 'faces.lock' | 'faces.consent_lasts' | 'keep.footage' | 'keep.logs' | 'keep.audit' | 'keep' | 'audio' | 'alias' | 'time' | 'privacy' | 'alarm' | 'destination';

export interface PendingChange {
  /** 8 hex digits over the change: a yes to one change is never a yes to another. */
  readonly id: string;
  readonly camera?: string;
  readonly key: ConsentKey;
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

interface Keeps {
  readonly footageMs: number;
  readonly logsMs: number;
  readonly auditMs: number;
}

interface CameraConsent {
  readonly camera: string;
  /** Absent while the camera follows the hub's own rule. */
  readonly keepMs?: number;
  readonly audio: boolean;
  /** What it may be called outside; absent while it has its number there alone. */
  readonly alias?: string;
}

interface AlarmConsent {
  readonly alarm: string;
  readonly keepMs: number;
}

interface FacesConsent {
  /** SHA-256 of the notice; absent while faces are off. Of another text than today's it counts for nothing. */
  readonly notice?: string;
  readonly consentMs?: number;
  /** Absent while the hub has the keys. */
  readonly lock?: FacesLock;
}

/** `line`: that the owner said yes to, as it read then. Where the same rules read otherwise today, it counts for them as they were, and is asked for anew. */
type Agreed = DestinationConfig & { readonly line?: string };

/** What is in force, and what waits, with the values that a yes would bring. */
export interface ConsentState {
  readonly v: 1;
  readonly keep: Keeps;
  readonly cameras: readonly CameraConsent[];
  /** Times in which a space is private; absent in states of before there were any. */
  readonly privacy?: readonly PrivacyRule[];
  /** How long each alarm is kept; a new one begins with the time of footage. Absent in states of before there were any. */
  readonly alarms?: readonly AlarmConsent[];
  /** The notice that the owner said yes to, while faces are on, and how long a consent lasts. Absent in states of before there were any: off. */
  readonly faces?: FacesConsent;
  /** What leaves the house; absent in states of before anything could. */
  readonly destinations?: readonly Agreed[];
  readonly pending: readonly Waiting[];
}

/** With the value that a yes would bring; `alarm`: of which alarm; `destination`: what it would be. */
type Waiting = PendingChange & { readonly value: number | boolean | string; readonly alarm?: string; readonly destination?: DestinationConfig };

export interface Effective {
  readonly effective: HubConfig;
  readonly pending: readonly PendingChange[];
  /** To be stored: the next configuration is measured against it. */
  readonly state: ConsentState;
}

/** The changes from what is in force to what is wanted that must wait for an owner's yes. */
export function lowersPrivacy(state: ConsentState, wanted: HubConfig): readonly PendingChange[] {
  return findChanges(state, wanted).map(withoutValue);
}

/**
 * What of the wanted configuration applies now. Without a state (a fresh hub) its retention is the first thing in force, and only
 * microphones, names for outside and destinations wait.
 */
export function effectiveConfig(wanted: HubConfig, stored: ConsentState | undefined): Effective {
  const state: ConsentState = stored ?? { v: 1, keep: wanted.keep, cameras: wanted.cameras.map((camera) => ({ ...ownKeepOf(camera), camera: camera.id, audio: false })), alarms: wanted.alarms.map(alarmConsentOf), pending: [] };
  const waiting = findChanges(state, wanted);
  const waits = (key: ConsentKey, camera?: string): boolean => waiting.some((change) => change.key === key && change.camera === camera);
  const keep: Keeps = {
    footageMs: Math.min(wanted.keep.footageMs, state.keep.footageMs),
    logsMs: Math.min(wanted.keep.logsMs, state.keep.logsMs),
    auditMs: Math.min(wanted.keep.auditMs, state.keep.auditMs),
  };
  const privacy = [...wanted.privacy, ...rulesLost(state.privacy ?? [], wanted.privacy)];
  const cameras = wanted.cameras.map(({ alias, ...camera }): CameraConfig => ({
    ...camera, ...aliasOr(waits('alias', camera.id) ? state.cameras.find((known) => known.camera === camera.id)?.alias : alias),
    keepMs: waits('keep', camera.id) ? inForce(state, keep, camera.id) : camera.ownKeep ? camera.keepMs : keep.footageMs,
    audio: camera.audio && !waits('audio', camera.id),
  }));
  const faces = { enabled: wanted.faces.enabled && !waits('faces'), consentMs: Math.min(wanted.faces.consentMs, consentInForce(state, wanted)), lock: waits('faces.lock') ? 'owner' as const : wanted.faces.lock };
  const alarms = wanted.alarms.map((rule): AlarmRule => ({ ...rule, keepMs: Math.min(rule.keepMs, alarmInForce(state, keep, rule.name)) }));
  const destinations = wanted.destinations.flatMap((destination) => withoutYes(destinationInForce(state, destination.name), destination) ?? []);
  return {
    effective: { ...wanted, keep, cameras, privacy, alarms, faces, destinations },
    pending: waiting.map(withoutValue),
    state: { v: 1, keep, privacy, faces: { consentMs: faces.consentMs, ...(faces.lock === 'owner' ? { lock: faces.lock } : {}), ...(faces.enabled ? { notice: facesNotice.sha256 } : {}) }, alarms: alarms.map(alarmConsentOf), destinations: destinations.map((destination) => agreed(destination, lineOf(destinationInForce(state, destination.name), destination))), cameras: [...cameras.map((camera, index) => consentOf(camera, wanted.cameras[index], keep)), ...gone(state, wanted, keep)], pending: waiting },
  };
}

/** The state after an owner's yes to change `id`; SP_CHANGE_UNKNOWN when nothing waits under it (any more). Then call `effectiveConfig` again. */
export function applyAcceptance(state: ConsentState, id: string): ConsentState {
  const change = state.pending.find((waiting) => waiting.id === id);
  if (change === undefined) throw new SallyportError('SP_CHANGE_UNKNOWN', { id: /^[0-9a-f]{1,16}$/.test(id) ? id : 'that name' });
  const rest: ConsentState = { ...state, pending: state.pending.filter((waiting) => waiting !== change) };
  const { key, value, camera } = change;
  if (key === 'keep.footage') return { ...rest, keep: { ...state.keep, footageMs: Number(value) } };
  if (key === 'keep.logs') return { ...rest, keep: { ...state.keep, logsMs: Number(value) } };
  if (key === 'keep.audit') return { ...rest, keep: { ...state.keep, auditMs: Number(value) } };
  if (key === 'faces') return { ...rest, faces: { ...state.faces, notice: facesNotice.sha256 } };
  if (key === 'faces.lock') return { ...rest, faces: { ...state.faces, lock: 'hub' } };
  if (key === 'faces.consent_lasts') return { ...rest, faces: { ...state.faces, consentMs: Number(value) } };
  if (key === 'privacy') return { ...rest, privacy: (state.privacy ?? []).filter((rule) => ruleInWords(rule) !== change.from) };
  if (key === 'alarm') return { ...rest, alarms: [...(state.alarms ?? []).filter((one) => one.alarm !== change.alarm), { alarm: change.alarm ?? '', keepMs: Number(value) }] };
  const { destination } = change;
  if (key === 'destination') return { ...rest, destinations: [...(state.destinations ?? []).filter(({ name }) => name !== destination?.name), ...(destination === undefined ? [] : [agreed(destination, destinationInWords(destination))])] };
  const known = state.cameras.find((one) => one.camera === camera) ?? { camera: camera ?? '', audio: false };
  const changed: CameraConsent = key === 'audio' ? { ...known, audio: value === true } : key === 'alias' ? { ...known, alias: String(value) } : { ...known, keepMs: Number(value) };
  return { ...rest, cameras: [...state.cameras.filter((one) => one.camera !== camera), changed] };
}

function findChanges(state: ConsentState, wanted: HubConfig): ConsentState['pending'] {
  const hub = ([
    ['keep.footage', state.keep.footageMs, wanted.keep.footageMs, 'footage'],
    ['keep.logs', state.keep.logsMs, wanted.keep.logsMs, 'the log'],
    ['keep.audit', state.keep.auditMs, wanted.keep.auditMs, 'the audit'],
  ] as const)
    .filter(([, from, to]) => to > from)
    .map(([key, from, to, what]) => longer({ key }, `${what} would be kept`, from, to));
  const keep: Keeps = { ...state.keep, footageMs: Math.min(state.keep.footageMs, wanted.keep.footageMs) };
  const lost = rulesLost(state.privacy ?? [], wanted.privacy).map((rule) => change({ key: 'privacy', from: ruleInWords(rule), to: 'no longer', text: `no longer: ${ruleInWords(rule)}` }, false));
  return [...hub, ...facesChanges(state, wanted), ...lost, ...wanted.alarms.flatMap((rule) => alarmChange(state, keep, rule)), ...wanted.destinations.flatMap((destination) => destinationChange(state, destination)), ...wanted.cameras.flatMap((camera) => cameraChanges(state, keep, camera))];
}

/** The notice is in the change that is signed, and its hash in the value: a yes to one text is none to another. */
function facesChanges(state: ConsentState, wanted: HubConfig): Waiting[] {
  const { version, sha256, text } = facesNotice;
  const [nowMs, wantedMs] = [consentInForce(state, wanted), wanted.faces.consentMs];
  return [
    ...(wanted.faces.enabled && state.faces?.notice !== sha256 ? [change({ key: 'faces', from: 'off', to: `on, notice ${version}, SHA-256 ${sha256}`, text: `faces would be compared with those of people who agreed to it (notice ${version}, SHA-256 ${sha256}). ${text}` }, true)] : []),
    ...(state.faces?.lock === 'owner' && wanted.faces.lock === 'hub' ? [change({ key: 'faces.lock', from: 'owner', to: 'hub', text: 'the hub would have the keys of those who are recognised, instead of the owner' }, true)] : []),
    ...(wantedMs > nowMs ? [longer({ key: 'faces.consent_lasts' }, 'a person\'s consent would last', nowMs, wantedMs)] : []),
  ];
}

/** A hub that has none in force begins with a year at most. */
function consentInForce({ faces }: ConsentState, wanted: HubConfig): number {
  return faces?.consentMs ?? Math.min(wanted.faces.consentMs, 365 * dayMs);
}

function cameraChanges(state: ConsentState, keep: Keeps, camera: CameraConfig): ConsentState['pending'] {
  const keepMs = inForce(state, keep, camera.id);
  const wantedMs = camera.ownKeep ? camera.keepMs : keep.footageMs;
  const { audio = false, alias } = state.cameras.find((known) => known.camera === camera.id) ?? {};
  return [
    ...(wantedMs > keepMs ? [longer({ key: 'keep', camera: camera.id }, `${camera.id}: footage would be kept`, keepMs, wantedMs)] : []),
    ...(camera.audio && !audio ? [change({ key: 'audio', camera: camera.id, from: 'off', to: 'on', text: `${camera.id}: sound would be recorded` }, true)] : []),
    ...(camera.alias !== undefined && camera.alias !== alias ? [change({ key: 'alias', camera: camera.id, from: alias ?? 'its number', to: camera.alias, text: `${camera.id}: outside it would be called ${camera.alias} instead of ${alias ?? 'its number'}` }, camera.alias)] : []),
  ];
}

/** The rule is named in both values, so that a yes to one is none to another. */
function alarmChange(state: ConsentState, keep: Keeps, { name, keepMs }: AlarmRule): Waiting[] {
  const nowMs = alarmInForce(state, keep, name);
  if (keepMs <= nowMs) return [];
  const [from, to] = [formatDuration(nowMs), formatDuration(keepMs)];
  return [{ ...change({ key: 'alarm', from: `${name}: ${from}`, to: `${name}: ${to}`, text: `alarm ${name}: its pictures and footage would be kept ${to} instead of ${from}` }, keepMs), alarm: name }];
}

/** All that it would get, and where, is in the words; so a yes to one is none to another. */
function destinationChange(state: ConsentState, destination: DestinationConfig): Waiting[] {
  const before = destinationInForce(state, destination.name);
  const applies = withoutYes(before, destination);
  const to = destinationInWords(destination);
  if (before !== undefined && applies !== undefined && destinationInWords(applies) === to && isAsRead(before)) return [];
  const from = before === undefined ? 'nothing' : before.line ?? 'a line that is not known any more';
  return [{ ...change({ key: 'destination', from, to, text: before === undefined ? `new destination ${to}` : `destination ${to}; before: ${from}` }, true), destination }];
}

function destinationInForce(state: ConsentState, name: string): Agreed | undefined {
  return state.destinations?.find((known) => known.name === name);
}

/** Whether what the owner read then is what would be read of the same rules today: a hub that has learned to send more says more. */
function isAsRead(before: Agreed): boolean {
  return before.line === destinationInWords(before);
}

/** What applies of a change without a yes lets no more out, so the line goes with it; one that reads otherwise today stays as it was read. */
function lineOf(before: Agreed | undefined, now: DestinationConfig): string | undefined {
  return before === undefined || isAsRead(before) ? destinationInWords(now) : before.line;
}

function agreed(destination: DestinationConfig, line: string | undefined): Agreed {
  return { ...destination, ...(line === undefined ? {} : { line }) };
}

function alarmInForce(state: ConsentState, keep: Keeps, name: string): number {
  return state.alarms?.find((known) => known.alarm === name)?.keepMs ?? keep.footageMs;
}

function alarmConsentOf({ name, keepMs }: AlarmRule): AlarmConsent {
  return { alarm: name, keepMs };
}

/** How long footage of a camera is kept now: its own rule, else the hub's, which is also what a new camera begins with. */
function inForce(state: ConsentState, keep: Keeps, camera: string): number {
  return state.cameras.find((known) => known.camera === camera)?.keepMs ?? keep.footageMs;
}

/** A camera that follows the hub's rule follows it further; one that was held back at a time of its own stays there until a yes. */
function consentOf(camera: CameraConfig, wanted: CameraConfig | undefined, keep: Keeps): CameraConsent {
  const own = wanted?.ownKeep === true || camera.keepMs !== keep.footageMs;
  return { camera: camera.id, ...(own ? { keepMs: camera.keepMs } : {}), audio: camera.audio, ...aliasOr(camera.alias) };
}

/** Cameras that were taken out are remembered with their shorter times, so that taking out and putting back does not lengthen anything. */
function gone(state: ConsentState, wanted: HubConfig, keep: Keeps): CameraConsent[] {
  const named = new Set(wanted.cameras.map((camera) => camera.id));
  return state.cameras
    .filter(({ camera, keepMs }) => !named.has(camera) && keepMs !== undefined)
    .map(({ camera, keepMs }) => ({ camera, keepMs: Math.min(keepMs ?? keep.footageMs, keep.footageMs), audio: false }))
    .slice(-goneMax);
}

function aliasOr(alias: string | undefined): { alias?: string } {
  return alias === undefined ? {} : { alias };
}

function ownKeepOf(camera: CameraConfig): { keepMs?: number } {
  return camera.ownKeep ? { keepMs: camera.keepMs } : {};
}

function longer(of: { key: ConsentKey; camera?: string }, what: string, fromMs: number, toMs: number): PendingChange & { value: number } {
  const [from, to] = [formatDuration(fromMs), formatDuration(toMs)];
  return change({ ...of, from, to, text: `${what} ${to} instead of ${from}` }, toMs);
}

function change<V extends number | boolean | string>(facts: Omit<PendingChange, 'id'>, value: V): PendingChange & { value: V } {
  return { ...changeOf(facts), value };
}

/** With the id that these facts have and no others. */
export function changeOf(facts: Omit<PendingChange, 'id'>): PendingChange {
  const { camera, key, from, to } = facts;
  const id = createHash('sha256').update(canonicalJson({ camera, key, from, to })).digest('hex').slice(0, 8);
  return { id, ...facts };
}

function withoutValue(waiting: Waiting): PendingChange {
  const { value: _, alarm: __, destination: ___, ...rest } = waiting;
  return rest;
}
