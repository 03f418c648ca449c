/** A camera's address as somebody types it: "192.168.1.20", "192.168.1.20:8000"; undefined for anything else. */
export function addressOf(text: string): { address: string; port?: number } | undefined {
  const match = /^((?:\d{1,3}\.){3}\d{1,3})(?::(\d{1,5}))?$/.exec(text.trim());
  const [, address, port] = match ?? [];
  if (address === undefined || address.split('.').some((part) => Number(part) > 255)) return undefined;
  if (port === undefined) return { address };
  return Number(port) >= 1 && Number(port) <= 65_535 ? { address, port: Number(port) } : undefined;
}
