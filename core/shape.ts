/**
 * Shapes of what others say, for those who read it in a page: a shape takes any value, and gives what it describes of it, or `wrong`. It never
 * throws. Here and not by zod, because all of zod's core is larger than the rest of a page's lobby (docs/decisions/026). Zod is for the
 * server's rim, which has to say what is wrong with a request: `fieldOf` (wire/field.ts) makes one of a shape.
 *
 * Making a shape has no side effects, and bundlers are told so: those that nobody reads with are left out.
 */

/** What a shape gives for a value that it does not describe. */
export const wrong: unique symbol = Symbol("wrong");

export type Shape<T> = (value: unknown) => T | typeof wrong;
/** What a shape describes. */
export type Shaped<S extends Shape<unknown>> = Exclude<ReturnType<S>, typeof wrong>;

type Shapes = { readonly [field: string]: Shape<unknown> };
type OptionalOf<S extends Shapes> = {
  [F in keyof S]: unknown extends Shaped<S[F]> ? never : undefined extends Shaped<S[F]> ? F : never;
}[keyof S];
/** An object with these fields: one that may be undefined may be missing. */
type Fields<S extends Shapes> = Plain<
  { [F in Exclude<keyof S, OptionalOf<S>>]: Shaped<S[F]> } & { [F in OptionalOf<S>]?: Shaped<S[F]> }
>;
type Plain<T> = { [F in keyof T]: T[F] };
export type FieldsShape<S extends Shapes> = Shape<Fields<S>> & { readonly fields: S };

export const anything: Shape<unknown> = (value) => value;
export const nothing: Shape<undefined> = (value) => (value === undefined ? value : wrong);
export const truth: Shape<boolean> = (value) => (typeof value === "boolean" ? value : wrong);

/** A text of so many UTF-16 units, which looks so. */
// @__NO_SIDE_EFFECTS__
export function text(most = Number.POSITIVE_INFINITY, least = 0, look?: RegExp): Shape<string> {
  return (value) => {
    if (typeof value !== "string" || value.length > most || value.length < least) return wrong;
    return look?.test(value) === false ? wrong : value;
  };
}

/** A number that JSON can write. */
// @__NO_SIDE_EFFECTS__
export function number(least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): Shape<number> {
  return (value) => (Number.isFinite(value) && isBetween(value, least, most) ? value : wrong);
}

/** A whole number that is exact. */
// @__NO_SIDE_EFFECTS__
export function whole(least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): Shape<number> {
  return (value) => (Number.isSafeInteger(value) && isBetween(value, least, most) ? value : wrong);
}

function isBetween(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most;
}

/** One of these texts or truth values. */
// @__NO_SIDE_EFFECTS__
export function oneOf<const T extends string | boolean>(values: readonly T[]): Shape<T> {
  return (value) => (values.some((one) => one === value) ? (value as T) : wrong);
}

// @__NO_SIDE_EFFECTS__
export function listOf<T>(shape: Shape<T>, most = Number.POSITIVE_INFINITY, least = 0): Shape<T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > most || value.length < least) return wrong;
    const items: T[] = [];
    for (const item of value) {
      const read = shape(item);
      if (read === wrong) return wrong;
      items.push(read);
    }
    return items;
  };
}

/** An object with these fields. Others are left out. */
// @__NO_SIDE_EFFECTS__
export function fields<S extends Shapes>(shapes: S): FieldsShape<S> {
  const read: Shape<Fields<S>> = (value) => {
    if (!isRecord(value)) return wrong;
    const result: Record<string, unknown> = {};
    for (const field in shapes) {
      const one = shapes[field]?.(value[field]);
      if (one === wrong) return wrong;
      if (one !== undefined) result[field] = one;
    }
    return result as Fields<S>;
  };
  return Object.assign(read, { fields: shapes });
}

/** An object with any such keys. `key` must not allow `__proto__`. */
// @__NO_SIDE_EFFECTS__
export function recordOf<T>(key: Shape<string>, shape: Shape<T>): Shape<{ [key: string]: T }> {
  return (value) => {
    if (!isRecord(value)) return wrong;
    const result: { [key: string]: T } = {};
    for (const [name, each] of Object.entries(value)) {
      const read = shape(each);
      if (key(name) === wrong || read === wrong) return wrong;
      result[name] = read;
    }
    return result;
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The first of these that describes it. */
// @__NO_SIDE_EFFECTS__
export function either<A, B>(one: Shape<A>, other: Shape<B>): Shape<A | B> {
  return (value) => {
    const read = one(value);
    return read === wrong ? other(value) : read;
  };
}

/** What both describe. */
// @__NO_SIDE_EFFECTS__
export function both<A extends object, B extends object>(one: Shape<A>, other: Shape<B>): Shape<A & B> {
  return (value) => {
    const first = one(value);
    const second = other(value);
    return first === wrong || second === wrong ? wrong : Object.assign({}, first, second);
  };
}

/** It may be missing. */
// @__NO_SIDE_EFFECTS__
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return either(nothing, shape);
}

// @__NO_SIDE_EFFECTS__
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return (value) => (value === null ? value : shape(value));
}

/** If it is missing, it is this. */
// @__NO_SIDE_EFFECTS__
export function otherwise<T>(shape: Shape<T>, given: NoInfer<T>): Shape<T> {
  return (value) => (value === undefined ? given : shape(value));
}

/** If it is wrong or missing, it is this. */
// @__NO_SIDE_EFFECTS__
export function orElse<T, const D>(shape: Shape<T>, given: D): Shape<T | D> {
  return (value) => {
    const read = shape(value);
    return read === wrong ? given : read;
  };
}

/** A wrong one counts as missing. */
// @__NO_SIDE_EFFECTS__
export function lenient<T>(shape: Shape<T>): Shape<T | undefined> {
  return orElse(shape, undefined);
}

/** Only one for which this holds. */
// @__NO_SIDE_EFFECTS__
export function only<T>(shape: Shape<T>, holds: (read: T) => boolean): Shape<T> {
  return (value) => {
    const read = shape(value);
    return read === wrong || holds(read) ? read : wrong;
  };
}

/** What becomes of it. */
// @__NO_SIDE_EFFECTS__
export function become<T, U>(shape: Shape<T>, made: (read: T) => U): Shape<U> {
  return (value) => {
    const read = shape(value);
    return read === wrong ? wrong : made(read);
  };
}

/** What a shape describes of a value, or null. */
export function readAs<T>(shape: Shape<T>, value: unknown): T | null {
  const read = shape(value);
  return read === wrong ? null : read;
}
