/** A share of a whole, as a bar with its words. */
export function Meter({ share, label }: { readonly share: number; readonly label: string }) {
  const percent = Math.max(0, Math.min(100, share * 100));
  return <div><svg class="meter-shape" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="meter-ground" width="100" height="4" /><rect class="meter-share" width={percent === 0 ? 0 : Math.max(0.5, percent)} height="4" /></svg><p class="hint">{label}</p></div>;
}
