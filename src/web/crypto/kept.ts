/** Values that were dear to make, as many as have room. */

/** As the newest; of too many the one that was not asked for longest is forgotten. */
export function remember<T>(values: Map<string, T>, key: string, value: T, most: number): void {
  values.delete(key);
  values.set(key, value);
  for (const oldest of values.keys()) {
    if (values.size <= most) break;
    values.delete(oldest);
  }
}

/** The value under a key, made when it is not there; of too many, what was not asked for longest is forgotten. What failed is tried again the next time. */
export function kept<T>(values: Map<string, Promise<T>>, key: string, most: number, make: () => Promise<T>, forget: (old: T) => void): Promise<T> {
  const value = values.get(key) ?? make();
  values.delete(key);
  values.set(key, value);
  value.catch(() => {
    if (values.get(key) === value) values.delete(key);
  });
  for (const [oldest, old] of values) {
    if (values.size <= most) break;
    values.delete(oldest);
    void old.then(forget, () => {});
  }
  return value;
}
