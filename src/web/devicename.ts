/** How a browser calls itself among an account's devices: a name that somebody recognises later. */
export function deviceName(agent: string): string {
  const system = ([['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Android', 'Android'], ['Mac OS', 'Mac'], ['Windows', 'Windows'], ['CrOS', 'Chromebook'], ['Linux', 'Linux']] as const).find(([mark]) => agent.includes(mark))?.[1] ?? 'Device';
  const browser = ([['Edg/', 'Edge'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']] as const).find(([mark]) => agent.includes(mark))?.[1];
  return browser === undefined ? system : `${browser} on ${system}`;
}
