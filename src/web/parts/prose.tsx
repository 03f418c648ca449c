/** A text in which commands stand between backticks, as they stand in `strings.ts` and in the hub's sentences. */
export function Prose({ children }: { readonly children: string }) {
  // Each second part was between two of them; a last one alone is left as it is.
  const parts = children.split(/`([^`]+)`/);
  return <>{parts.map((part, n) => n % 2 === 1 ? <code key={n}>{part}</code> : part)}</>;
}
