// What every field of study.json means, out of the schema that checks it.

import { PlanSchema } from "./plan-schema.js"

interface FieldExplanation {
  /** Place in study.json; [] stands for every entry of a list. */
  field: string
  /** The rule in words. */
  values: string
  /** As JSON; undefined where the field may be left out for good or must be given. */
  default: unknown
  description: string
}

interface SchemaNode {
  type?: string
  const?: unknown
  anyOf?: SchemaNode[]
  items?: SchemaNode
  properties?: Record<string, SchemaNode>
  required?: string[]
  default?: unknown
  description?: string
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
}

const SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"

/** The JSON Schema of study.json, as it is published in docs/study.schema.json. */
export function planJsonSchema(): Record<string, unknown> {
  const plain = JSON.parse(JSON.stringify(PlanSchema)) as Record<string, unknown>
  return { $schema: SCHEMA_ID, title: "study.json, the plan of a fieldtune study", ...plain }
}

/** Every field, in the order of the schema, the fields of an object after it. */
export function explainPlan(): FieldExplanation[] {
  return fields(PlanSchema as unknown as SchemaNode, "")
}

function fields(node: SchemaNode, place: string): FieldExplanation[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, inner]) => {
    const field = place === "" ? name : `${place}.${name}`
    const one = {
      field,
      values: valuesOf(inner),
      default: inner.default,
      description: inner.description ?? "",
    }
    const within = inner.items?.properties ? fields(inner.items, `${field}[]`) : fields(inner, field)
    return [one, ...within]
  })
}

function valuesOf(node: SchemaNode): string {
  if (node.anyOf !== undefined) return node.anyOf.map(valuesOf).join(" | ")
  if (node.const !== undefined) return JSON.stringify(node.const)
  if (node.type === "array")
    return `list of ${node.items?.properties ? "objects" : valuesOf(node.items ?? {})}`
  if (node.type === "object") return "object"
  const { minimum, exclusiveMinimum, maximum } = node
  const low =
    minimum !== undefined ? `${minimum}` : exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : ""
  const range = [low, maximum === undefined ? "" : `to ${maximum}`].filter((part) => part !== "").join(" ")
  const kind = node.type === "integer" ? "whole number" : (node.type ?? "value")
  return range === "" ? kind : `${kind} ${range}`
}
