/** A JSON Schema as rows of a table: the name of each field, its type in words, whether it must be there. */
import { z } from 'zod'

export interface SchemaRow {
  /** `scopes[].entity.name` for what lies deeper. */
  readonly name: string
  readonly type: string
  readonly isRequired: boolean
  readonly about: string | null
}

/** What lies deeper than this is said by its type alone. */
const deepest = 3
const mostRows = 60
/** Values of a choice that are written out. */
const mostValues = 12

const schemaShape = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  format: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
})
type Schema = z.output<typeof schemaShape>

/** None for what has no fields. */
export function rowsOfSchema(schema: unknown): SchemaRow[] {
  const rows: SchemaRow[] = []
  const read = schemaShape.safeParse(schema)
  if (read.success) addFields(rows, read.data, '', 1)
  return rows.slice(0, mostRows)
}

function addFields(rows: SchemaRow[], schema: Schema, before: string, depth: number): void {
  // Each form of a body that has several: a field that two of them have stands once.
  for (const form of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    const read = schemaShape.safeParse(form)
    if (read.success) addFields(rows, read.data, before, depth)
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const read = schemaShape.safeParse(property)
    const field = read.success ? read.data : {}
    const path = before + name
    if (!rows.some((row) => row.name === path)) {
      rows.push({
        name: path,
        type: typeWords(field),
        isRequired: schema.required?.includes(name) ?? false,
        about: field.description ?? null,
      })
    }
    if (depth >= deepest) continue
    addFields(rows, field, `${path}.`, depth + 1)
    const items = schemaShape.safeParse(field.items)
    if (items.success) addFields(rows, items.data, `${path}[].`, depth + 1)
  }
}

function typeWords(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) {
    const values = schema.enum.slice(0, mostValues).map((value) => JSON.stringify(value))
    return values.join(' | ') + (schema.enum.length > mostValues ? ' | …' : '')
  }
  const forms = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  if (forms.length > 0) return [...new Set(forms.map(formWords))].join(' | ')
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? [])
  if (types.includes('array')) return `list of ${formWords(schema.items)}`
  const limits = [
    schema.format ?? null,
    schema.minimum !== undefined && schema.minimum > Number.MIN_SAFE_INTEGER ? `from ${schema.minimum}` : null,
    schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER ? `to ${schema.maximum}` : null,
    schema.maxLength === undefined ? null : `at most ${schema.maxLength} characters`,
  ].filter((limit) => limit !== null)
  const words = types.length === 0 ? 'anything' : types.join(' | ')
  return limits.length === 0 ? words : `${words}, ${limits.join(', ')}`
}

function formWords(form: unknown): string {
  const read = schemaShape.safeParse(form)
  return read.success ? typeWords(read.data) : 'anything'
}
