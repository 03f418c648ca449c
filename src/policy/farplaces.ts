/** Where somebody says that a store is, in one line at a terminal or in a form, and what that means to the courier. Pure. */

export type FarPlaceKind =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'webdav'; readonly url: string }
  | { readonly kind: 's3'; readonly url: string; readonly bucket: string; readonly prefix: string };

/**
 * `https://host/path` is WebDAV, `s3:https://host/bucket/prefix/` a bucket, anything that begins with a slash a folder; undefined for anything else. A password does
 * not belong there: an address with one is none.
 */
export function readFarPlace(text: string): FarPlaceKind | undefined {
  if (text.startsWith('/')) return { kind: 'folder', path: text.replace(/(.)\/+$/, '$1') };
  const s3 = text.startsWith('s3:');
  const url = URL.parse(s3 ? text.slice(3) : text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  if (!s3) return { kind: 'webdav', url: url.href };
  const [bucket = '', ...prefix] = url.pathname.split('/').filter((part) => part !== '');
  return /^[a-z0-9][a-z0-9.-]{1,62}$/.test(bucket) ? { kind: 's3', url: url.origin, bucket, prefix: prefix.map((part) => `${part}/`).join('') } : undefined;
}
