/** The page's routes about settings: what they are, what a change would do, and the change. */
import { SallyportError } from '../base/errors.ts';
import { formSchema } from '../configpage.ts';
import type { Visitor } from '../duties/accounts.ts';
import type { Principal } from '../duties/sessions.ts';
import { toPlain } from './defined.ts';
import { byOf, checkSettings } from './pageaccess.ts';
import { prove } from './pageaccounts.ts';
import type { Operate } from './pageoperate.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';

export function settingsHandlers({ accounts, site, operations, vault }: PageRooms, operate: Operate) {
  /** A change that destroys something needs the right to, and is more than a session alone must be enough for. The audit says who, and what it was. */
  const mayDestroy = (ask: { principal: Principal; visitor: Visitor; body: { half?: string } }, route: 'keep' | 'settings') => async (losses: readonly string[]): Promise<void> => {
    const { principal } = ask;
    if (!principal.may('erase')) throw new SallyportError('SP_PAGE_RIGHT');
    prove(accounts, ask, 'a change of settings that destroys some of what is kept');
    await vault.audit({ what: 'page.asked', who: 'page', account: principal.account.id, detail: { route, destroys: [...losses] } });
  };
  return {
    accept: async (ask) => operate('accept', ask),
    pending: async () => ({ pending: operations.pending() }),
    keep: async (ask) => {
      const changes = await site.changeSettings({ keys: [{ key: 'keep.footage', value: ask.body.footage }] }, byOf(ask.principal), mayDestroy(ask, 'keep'));
      return { changes, pending: operations.pending() };
    },
    settingsSchema: async () => formSchema(),
    settings: async ({ principal }) => {
      const { keys, cameras, privacy: rules, zones, alarms: alarmRules, recordings, restart } = await site.settings();
      return {
        // Where the hub is, and when a house is private, is the house's own business.
        keys: keys.filter(({ key }) => !key.startsWith('place.') || principal.may('privacy')).map(toPlain), cameras: cameras.map(toPlain),
        privacy: rules.filter(({ space }) => principal.may('privacy', space)).map(toPlain),
        zones: zones.map(toPlain), alarms: alarmRules.map(toPlain), recordings: recordings.map(toPlain), spaces: [...site.spaces], pending: operations.pending(), restart: [...restart],
      };
    },
    settingsPlan: async ({ principal, body }) => {
      checkSettings(principal, body);
      const { changes, losses, leavesOut, problems } = await site.planSettings(body);
      return { changes: changes.map(({ text, lowersPrivacy, restart }) => ({ text, waits: lowersPrivacy, restart })), destroys: losses, leavesOut, problems };
    },
    settingsChange: async (ask) => {
      const { principal, body: { half: _, ...change } } = ask;
      checkSettings(principal, change);
      const changes = await site.changeSettings(change, byOf(principal), mayDestroy(ask, 'settings'));
      return { changes, pending: operations.pending() };
    },
  } satisfies Partial<Handlers>;
}
