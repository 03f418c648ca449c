/**
 * Closed schemas for small JSON of our own that crosses a door: every key is known, every value is of its kind and within its bounds, and
 * nothing else is there. A check returns the value, or throws a TypeError that names the key and never repeats the value.
 */
export type Check<T> = (value: unknown, at: string) => T;
export type Checked<C> = C extends Check<infer T> ? T : never;

type Fields = Readonly<Record<string, Check<unknown>>>;
type Needed<F extends Fields> = { readonly [K in keyof F as undefined extends Checked<F[K]> ? never : K]: Checked<F[K]> };
type Possible<F extends Fields> = { readonly [K in keyof F as undefined extends Checked<F[K]> ? K : never]?: Checked<F[K]> };
export type Table<F extends Fields> = Needed<F> & Possible<F>;

/** An object with these keys and no other; `maybe` marks those that may be absent. */
export function table<const F extends Fields>(fields: F): Check<Table<F>> {
  return (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'must be a table');
    const given = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(given)) if (!Object.hasOwn(fields, key)) throw wrong(at, `has a key that is not known: ${shown(key)}`);
    const entries = Object.entries(fields).map(([key, check]) => [key, check(Object.hasOwn(given, key) ? given[key] : undefined, at === '' ? key : `${at}.${key}`)] as const);
    return Object.fromEntries(entries.filter(([, field]) => field !== undefined)) as Table<F>;
  };
}

export function maybe<T>(check: Check<T>): Check<T | undefined> {
  return (value, at) => (value === undefined ? undefined : check(value, at));
}

export function text(pattern: RegExp, lengthMax = 200): Check<string> {
  return (value, at) => {
    if (typeof value !== 'string' || value.length > lengthMax || !pattern.test(value)) throw wrong(at, 'cannot be used as it is written');
    return value;
  };
}

export function whole(least: number, most: number): Check<number> {
  return (value, at) => {
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) throw wrong(at, `must be a whole number from ${least} to ${most}`);
    return value as number;
  };
}

export const yesNo: Check<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw wrong(at, 'must be true or false');
  return value;
};

export function oneOf<const T extends string | number>(values: readonly T[]): Check<T> {
  return (value, at) => {
    if (!values.includes(value as T)) throw wrong(at, 'is none of the values that it can have');
    return value as T;
  };
}

export function list<T>(check: Check<T>, most: number): Check<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw wrong(at, 'must be a list');
    if (value.length > most) throw wrong(at, `has more than ${most} entries`);
    return value.map((item: unknown, index) => check(item, `${at}[${index}]`));
  };
}

/** The first of these tables whose `key` says so; what the others hold is then unknown. */
export function variants<const V extends Readonly<Record<string, Check<unknown>>>>(key: string, kinds: V): Check<Checked<V[keyof V]>> {
  return (value, at) => {
    const kind = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
    const check = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (check === undefined) throw wrong(at === '' ? key : `${at}.${key}`, 'is none of the values that it can have');
    return check(value, at) as Checked<V[keyof V]>;
  };
}

function wrong(at: string, what: string): TypeError {
  return new TypeError(`${at === '' ? 'it' : at} ${what}`);
}

function shown(key: string): string {
  return /^[A-Za-z0-9_-]{1,40}$/.test(key) ? key : 'one with odd characters';
}
