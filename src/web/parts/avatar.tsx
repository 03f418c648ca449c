/** Somebody's picture, or the first letter of the name. */
import type { Account } from '../../api/pagecontract.ts';

export function Avatar({ account, big = false }: { readonly account: Pick<Account, 'name' | 'nickname' | 'picture'>; readonly big?: boolean }) {
  const kind = `avatar${big ? ' big' : ''}`;
  if (account.picture !== '') return <img class={kind} src={account.picture} alt="" />;
  return <span class={kind} aria-hidden="true">{[...(account.nickname === '' ? account.name : account.nickname)][0]?.toUpperCase() ?? ''}</span>;
}
