/** What the rooms answer, as the contract has it. */

/** Optional members are absent in the contract, not undefined: what JSON does anyway, said to the types. */
export function withoutUndefined<T>(value: T): Defined<T> {
  return JSON.parse(JSON.stringify(value)) as Defined<T>;
}

type Defined<T> = T extends readonly (infer E)[] ? Defined<E>[]
  : T extends object ? { [K in keyof T as undefined extends T[K] ? never : K]: Defined<T[K]> } & { [K in keyof T as undefined extends T[K] ? K : never]?: Defined<Exclude<T[K], undefined>> }
  : T;

/** The contract's lists are not readonly; as JSON they are the same. */
export function toPlain<T>(value: T): Plain<T> {
  return value as Plain<T>;
}
type Plain<T> = T extends readonly (infer E)[] ? Plain<E>[] : T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
