// What a column of an archived table is: its type and rules as Table Schema (datapackage.org) says them, and what it
// may tell, by which it is coded, shifted or left out.

/** A value of a table: JSON columns hold any JSON. null is missing. */
export type Value = unknown
export type Row = Record<string, Value>

export type FieldType = "integer" | "number" | "string" | "boolean" | "datetime" | "object" | "array"

interface Constraints {
  required?: boolean
  minimum?: number
  maximum?: number
  enum?: readonly string[]
  pattern?: string
}

/**
 * What a column tells:
 *   subject, device      who, and which board: numbered anew in a pseudonymised archive
 *   subjects, tastes, boards   the same inside of the JSON columns of `rounds`
 *   arm                  coded while the study is blind
 *   reveals              tells of an arm: left out while the study is blind
 *   flags                flags of a listen, of which FLAG_EXPLORE tells of an arm
 *   moment               tells to the second when somebody listened: left out unless the plan exports exact times
 *   clock                a time in a form that is neither rounded nor moved
 *   recordBytes          the bytes of a record, which hold flags and uptime
 *   freeText             written by a person: left out of a pseudonymised archive
 */
export type Role =
  | "subject"
  | "device"
  | "subjects"
  | "tastes"
  | "boards"
  | "arm"
  | "reveals"
  | "flags"
  | "moment"
  | "clock"
  | "recordBytes"
  | "freeText"

export interface Field {
  name: string
  type: FieldType
  description: string
  /** UCUM, such as ms. */
  unit?: string
  /** Why a value may be missing. */
  missing?: string
  constraints?: Constraints
  role?: Role
}

export interface ForeignKey {
  field: string
  resource: string
  reference: string
  /** A value that refers to nothing, such as 0 for everybody. */
  except?: number
}

export interface Table {
  name: string
  title: string
  description: string
  /** All of it tells of arms: left out while the study is blind. */
  reveals?: boolean
  primaryKey: readonly string[]
  foreignKeys?: readonly ForeignKey[]
  fields: readonly Field[]
}

type Extra = Omit<Partial<Field>, "name" | "type" | "description">

const make =
  (type: FieldType) =>
  (name: string, description: string, extra: Extra = {}): Field => ({ name, type, description, ...extra })

export const integer = make("integer")
export const number = make("number")
export const string = make("string")
export const boolean = make("boolean")
export const object = make("object")
export const array = make("array")
/** Unix milliseconds here, ISO 8601 in UTC in the file. */
export const datetime = make("datetime")

/** A field whose value is always there. */
export function required(field: Field): Field {
  return { ...field, constraints: { ...field.constraints, required: true } }
}

/** A whole number from 1. */
export function counting(name: string, description: string, extra: Extra = {}): Field {
  return required(integer(name, description, { ...extra, constraints: { minimum: 1 } }))
}
