/**
 * Reads what came over the wire as the type that it should have. What a gateway older than the page does not send
 * counts as null, false or an empty list where the type has one; anything else that does not fit is told apart as such.
 */

import { isObject } from "./http";

/** @throws Unfit */
export type Reader<Value> = (value: unknown) => Value;

export class Unfit extends Error {
  override readonly name = "Unfit";
}

function checked<Value>(is: (value: unknown) => value is Value): Reader<Value> {
  return (value) => {
    if (!is(value)) throw new Unfit();
    return value;
  };
}

export const text = checked((value) => typeof value === "string");
export const number = checked((value) => typeof value === "number");
export const flag: Reader<boolean> = (value) => value === true;
export const nothing: Reader<Readonly<Record<string, never>>> = () => ({});

export function oneOf<const Value extends string>(...values: readonly Value[]): Reader<Value> {
  return checked((value): value is Value => values.some((each) => each === value));
}

export function nullable<Value>(read: Reader<Value>): Reader<Value | null> {
  return (value) => (value === undefined || value === null ? null : read(value));
}

/** For a member that `object` may leave out. */
export function optional<Value>(read: Reader<Value>): Reader<Value> {
  return (value) => (value === undefined ? (value as Value) : read(value));
}

/** Leaves out what does not fit. */
export function list<Value>(read: Reader<Value>): Reader<readonly Value[]> {
  return (value) => {
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw new Unfit();
    return value.map((item) => fitting(read, item)).filter((item) => item !== undefined);
  };
}

/** Members that the type does not know are left out. */
export function object<Value extends object>(members: { readonly [Name in keyof Value]-?: Reader<Value[Name]> }): Reader<Value> {
  const readers = Object.entries<Reader<unknown>>(members);
  return (value) => {
    if (!isObject(value)) throw new Unfit();
    const read = readers.map(([name, reader]) => [name, reader(value[name])] as const);
    return Object.fromEntries(read.filter(([, member]) => member !== undefined)) as Value;
  };
}

/** The first of both that fits. */
export function either<One, Other>(one: Reader<One>, other: Reader<Other>): Reader<One | Other> {
  return (value) => fitting(one, value) ?? other(value);
}

/** Undefined for what does not fit. */
export function fitting<Value>(read: Reader<Value>, value: unknown): Value | undefined {
  try {
    return read(value);
  } catch (error) {
    if (error instanceof Unfit) return undefined;
    throw error;
  }
}
