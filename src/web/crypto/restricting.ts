/** Which changes of the owner list take away what somebody may no more. Pure, so that the page can ask for it outside of the worker. */
import type { OwnerChange, OwnerList } from './ownerlist.ts';

/**
 * What brings a list in line with who somebody is from now on, if that is less than before: of `spaces` a member and of no other, or nobody. Whether a device
 * signs, and where it is a member, is what the list says, not what the hub says of it. The kit stays, whoever calls it his device.
 */
export function restricting(list: OwnerList, recipients: readonly string[], spaces: readonly string[]): OwnerChange[] {
  return recipients.filter((recipient) => recipient !== list.kit).flatMap((recipient): OwnerChange[] => {
    const opened = list.spaces.filter((space) => [space, ...(space.former ?? [])].some(({ members }) => members.includes(recipient))).map(({ name }) => name);
    if (!(list.devices ?? []).some((device) => device.recipient === recipient)) return opened.filter((space) => !spaces.includes(space)).map((space) => ({ kind: 'member removed', space, recipient }));
    return [{ kind: 'device removed', recipient }, ...opened.filter((space) => spaces.includes(space)).map((space) => ({ kind: 'member', space, recipient, past: false }) as const)];
  });
}
