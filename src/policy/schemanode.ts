/** The configuration's schema as whoever reads it sees it: the check of files, the documents, and the forms of the page, which are made of it alone. */

/** Keys that an entry of that kind must have, and those that it may have besides; and which secrets it may have, by the ends of their names. */
export interface KindKeys {
  readonly needs: readonly string[];
  readonly may: readonly string[];
  readonly secrets: readonly string[];
}

/** A schema as JSON Schema sees it, as far as it is used here. */
export interface SchemaNode {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly 'x-restart'?: boolean;
  /** Files set it, the page never. */
  readonly 'x-file'?: boolean;
  /** What the values of an enumeration are called. */
  readonly 'x-labels'?: Readonly<Record<string, string>>;
  readonly 'x-unit'?: 'duration' | 'size' | 'address' | 'moment';
  /** In words, where no single value is the default. */
  readonly 'x-default'?: string;
  readonly 'x-divides'?: string;
  readonly 'x-min'?: string;
  readonly 'x-max'?: string;
  readonly 'x-expected'?: string;
  /** Of a table whose entries are of kinds: what goes with each. */
  readonly 'x-kinds'?: Readonly<Record<string, KindKeys>>;
}
