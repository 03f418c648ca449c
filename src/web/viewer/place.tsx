/** Where one store is, as a person says it. */
import type { JSX } from 'preact';
import { folderStore, s3Store, webdavStore, type ViewerStore } from './stores.ts';
import { words } from './words.ts';

export interface PlaceDraft {
  readonly kind: 'webdav' | 's3' | 'folder';
  readonly address: string;
  readonly user: string;
  readonly secret: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  readonly files: readonly File[];
}

export const noPlace: PlaceDraft = { kind: 'webdav', address: '', user: '', secret: '', bucket: '', prefix: '', region: 'us-east-1', files: [] };

/** Every browser has it, and no type. */
const wholeFolder = { webkitdirectory: true } as object;

/** A store, or what is wrong with what was said. */
export function storeOf(draft: PlaceDraft): ViewerStore | string {
  if (draft.kind === 'folder') return draft.files.length === 0 ? words.noFolder : folderStore(draft.files, draft.files[0]?.webkitRelativePath.split('/')[0] ?? words.folder);
  const url = URL.parse(draft.address.trim());
  const local = url !== null && url.protocol === 'http:' && /^(127(\.\d+){3}|localhost)$/.test(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !local) || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return words.badAddress;
  if (draft.kind === 'webdav') return webdavStore({ url, user: draft.user, password: draft.secret });
  if (draft.bucket.trim() === '') return words.noBucket;
  const prefix = draft.prefix.trim().replace(/^\/+|\/+$/g, '');
  return s3Store({ url, bucket: draft.bucket.trim(), prefix: prefix === '' ? '' : `${prefix}/`, region: draft.region.trim() || noPlace.region, id: draft.user.trim(), secret: draft.secret.trim() });
}

export function PlaceFields({ id, draft, onDraft }: { readonly id: string; readonly draft: PlaceDraft; readonly onDraft: (draft: PlaceDraft) => void }) {
  const set = (change: Partial<PlaceDraft>): void => onDraft({ ...draft, ...change });
  const field = (key: 'address' | 'user' | 'secret' | 'bucket' | 'prefix' | 'region', label: string, { type = 'text', placeholder = '' }: { readonly type?: 'url' | 'password'; readonly placeholder?: string } | { readonly type?: 'text'; readonly placeholder?: string } = {}): JSX.Element => <p class="field">
    <label for={`${id}-${key}`}>{label}</label>
    <input id={`${id}-${key}`} value={draft[key]} autocomplete="off" spellcheck={false} onInput={(event) => set({ [key]: event.currentTarget.value })} {...{ type, placeholder } as object} />
  </p>;
  return <>
    <p class="field"><label for={`${id}-kind`}>{words.kind}</label>
      <select id={`${id}-kind`} value={draft.kind} onChange={(event) => set({ kind: event.currentTarget.value as PlaceDraft['kind'] })}>
        <option value="webdav">{words.webdav}</option><option value="s3">{words.s3}</option><option value="folder">{words.folder}</option>
      </select></p>
    {draft.kind === 'folder'
      ? <p class="field"><label for={`${id}-files`}>{words.chooseFolder}</label><input id={`${id}-files`} type="file" multiple {...wholeFolder} onChange={(event) => set({ files: [...event.currentTarget.files ?? []] })} /><small>{words.folderHint}</small></p>
      : <>
        {field('address', words.address, { type: 'url', placeholder: words.addressHint })}
        {draft.kind === 's3' ? <>{field('bucket', words.bucket)}{field('prefix', words.prefix)}{field('region', words.region)}</> : null}
        {field('user', draft.kind === 's3' ? words.keyId : words.user)}
        {field('secret', draft.kind === 's3' ? words.secret : words.password, { type: 'password' })}
      </>}
  </>;
}
