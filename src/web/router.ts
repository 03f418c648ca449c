/** The page's addresses: which page a path means, and how it is written. Pure; `navigation.tsx` moves between them. */
import { noticeNumberPattern } from '../policy/names.ts';
import { pairFragment, readPairFragment, type PairLink } from '../policy/pairlink.ts';

export const settingsSections = ['cameras', 'keep', 'people', 'faces', 'me', 'privacy', 'alarms', 'approvals', 'egress', 'audit', 'logs', 'system'] as const;
export type SettingsSection = (typeof settingsSections)[number];

export type Route =
  | { readonly page: 'live'; readonly camera?: string }
  | { readonly page: 'timeline'; readonly camera?: string; readonly atMs?: number }
  /** What rules have kept. */
  /** `notice`: the number of one, of which it is to say what it was about. */
  | { readonly page: 'review'; readonly notice?: string }
  | { readonly page: 'settings'; readonly section: SettingsSection }
  /** All cameras and nothing else, for a screen on the wall. */
  | { readonly page: 'panel' }
  | { readonly page: 'promises' }
  /** What the QR code of `sallyport pair` told. */
  | { readonly page: 'first' } & PairLink
  | { readonly page: 'login' }
  | { readonly page: 'recover' }
  | { readonly page: 'join'; readonly code: string }
  /** On a device that somebody who is in adds: who it is for, and public keys by which it knows the owner's list. */
  | { readonly page: 'device'; readonly name: string; readonly trust: readonly string[] }
  | { readonly page: 'unknown' };

const cameraId = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** Whatever stands in the address bar; what is not an address of the page is `unknown`, and never more than that. */
export function routeOf({ pathname, search = '', hash = '' }: { readonly pathname: string; readonly search?: string; readonly hash?: string }): Route {
  const [page = '', rest, ...more] = pathname.replace(/^\/|\/$/g, '').split('/');
  if (more.length > 0) return { page: 'unknown' };
  if (page === '' && rest === undefined) return { page: 'live' };
  if (page === 'live' || page === 'timeline') {
    if (rest !== undefined && !cameraId.test(rest)) return { page: 'unknown' };
    const camera = rest === undefined ? {} : { camera: rest };
    const at = new URLSearchParams(search).get('at') ?? '';
    return page === 'live' ? { page, ...camera } : { page, ...camera, ...(/^\d{1,15}$/.test(at) ? { atMs: Number(at) } : {}) };
  }
  if (page === 'settings') {
    const section = settingsSections.find((section) => section === (rest ?? 'cameras'));
    return section === undefined ? { page: 'unknown' } : { page, section };
  }
  if (rest !== undefined) return { page: 'unknown' };
  // The code stands behind the #, which browsers send to nobody.
  if (page === 'join') return { page, code: hash.replace(/^#/, '') };
  if (page === 'first') return { page, ...readPairFragment(hash) };
  if (page === 'device') {
    const told = new URLSearchParams(hash.replace(/^#/, ''));
    const trust = (told.get('trust') ?? '').split(',').filter((key) => /^[A-Za-z0-9+/]{68}$/.test(key)).map((key) => `ssh-ed25519 ${key}`);
    return trust.length === 0 ? { page: 'unknown' } : { page, name: (told.get('name') ?? '').slice(0, 64), trust };
  }
  if (page === 'review') {
    const notice = new URLSearchParams(hash.replace(/^#/, '')).get('notice')?.toLowerCase() ?? '';
    return { page, ...(noticeNumberPattern.test(notice) ? { notice } : {}) };
  }
  return page === 'panel' || page === 'promises' || page === 'login' || page === 'recover' ? { page } : { page: 'unknown' };
}

export function pathOf(route: Route): string {
  switch (route.page) {
    case 'live': return route.camera === undefined ? '/' : `/live/${route.camera}`;
    case 'timeline': return `/timeline${route.camera === undefined ? '' : `/${route.camera}`}${route.atMs === undefined ? '' : `?at=${Math.round(route.atMs)}`}`;
    case 'settings': return `/settings/${route.section}`;
    case 'first': {
      const fragment = pairFragment(route);
      return `/first${fragment === '' ? '' : `#${fragment}`}`;
    }
    case 'review': return `/review${route.notice === undefined ? '' : `#notice=${route.notice}`}`;
    case 'join': return `/join#${route.code}`;
    case 'device': return `/device#${new URLSearchParams({ name: route.name, trust: route.trust.map((key) => key.replace(/^ssh-ed25519 /, '')).join(',') }).toString()}`;
    case 'unknown': return '/';
    default: return `/${route.page}`;
  }
}
