/**
 * What is asked of somebody before a gate opens, as the card says it (`extra_gated_*`), and what they answered. Pure and bounded: the card comes
 * from anybody who may push, the answers from anybody at all.
 */
import { createHash } from 'node:crypto'
import { HoldfastError } from '../../domain/errors.ts'
import type { RepoKind } from '../../domain/facts.ts'

const fieldTypes = ['text', 'checkbox', 'date_picker', 'country', 'select'] as const
export type FieldType = (typeof fieldTypes)[number]

export interface GateField {
  /** What the card calls it; the answer is kept under this name. */
  readonly name: string
  readonly type: FieldType
  /** Of a select. */
  readonly options: readonly { readonly value: string; readonly label: string }[]
  readonly required: boolean
}

export interface Terms {
  readonly heading: string
  /** What one agrees to; null where the card says nothing. Markdown, shown as text. */
  readonly prompt: string | null
  readonly description: string
  readonly button: string
  readonly fields: readonly GateField[]
}

export type Answers = Readonly<Record<string, string>>

const mostFields = 50
const mostOptions = 300
const mostName = 300
const mostLine = 500
const mostPrompt = 100_000
const mostAnswer = 2_000

/** Throws nothing: what a card says wrongly is left out. `cardData`: the front matter as stored, JSON or null. */
export function termsOf(cardData: string | null, kind: RepoKind): Terms {
  const card = objectOf(cardData === null ? null : (JSON.parse(cardData) as unknown))
  return {
    heading:
      textOf(card.extra_gated_heading, mostLine) ??
      `You need to agree to share your contact information to access this ${kind}`,
    prompt: textOf(card.extra_gated_prompt, mostPrompt),
    description:
      textOf(card.extra_gated_description, mostPrompt) ??
      'Its card is open to everyone. To get its files you agree to the conditions, and share your user name and e-mail address with those who maintain it.',
    button: textOf(card.extra_gated_button_content, mostLine) ?? 'Agree and send the request',
    fields: fieldsOf(card.extra_gated_fields),
  }
}

/** Names one text for good: the same words are the same version, in whichever commit or repo they stand. */
export function hashOfTerms(terms: Terms): string {
  return createHash('sha256').update(JSON.stringify(terms)).digest('hex')
}

/** The control of field `index`: a name in the card may be anything, one in a page may not. */
export const controlOf = (index: number): string => `answer-${index}`

/** By the names of the fields, or of their controls. Throws `gate_answer_missing` where one is left out, or is none that the field takes. */
export function answersOf(terms: Terms, body: Readonly<Record<string, unknown>>): Answers {
  const answers: [string, string][] = []
  for (const [index, field] of terms.fields.entries()) {
    const control = controlOf(index)
    const said = [control, field.name].flatMap((key) => (Object.hasOwn(body, key) ? [body[key]] : []))[0]
    const value = answerTo(field, said)
    if (value === null) continue
    if (typeof value === 'object') {
      throw new HoldfastError('gate_answer_missing', { name: field.name, reason: value.fault, field: control })
    }
    answers.push([field.name, value])
  }
  return Object.fromEntries(answers)
}

/** Null where nothing was said and nothing need be. */
function answerTo(field: GateField, said: unknown): string | null | { readonly fault: string } {
  if (field.type === 'checkbox') {
    const isTicked = said === true || (typeof said === 'string' && ['on', 'true', '1'].includes(said))
    if (isTicked) return 'true'
    return field.required ? { fault: 'this has to be ticked.' } : 'false'
  }
  const text = typeof said === 'string' ? said.trim() : typeof said === 'number' ? String(said) : ''
  if (text === '') return field.required ? { fault: 'this has to be answered.' } : null
  if (text.length > mostAnswer || /[^\P{Cc}\n\r\t]/u.test(text)) {
    return { fault: `an answer has at most ${mostAnswer} characters.` }
  }
  switch (field.type) {
    case 'date_picker':
      return isDate(text) ? text : { fault: 'this is a date, written YYYY-MM-DD.' }
    case 'country':
      return countries().some(({ value }) => value === text) ? text : { fault: 'this is a country of the list.' }
    case 'select':
      return field.options.some(({ value }) => value === text) ? text : { fault: 'this is one of the list.' }
    default:
      return text
  }
}

function isDate(text: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : null
  return at !== null && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

function fieldsOf(value: unknown): GateField[] {
  const fields: GateField[] = []
  for (const [name, said] of Object.entries(objectOf(value)).slice(0, mostFields)) {
    const more = objectOf(said)
    const type = typeof said === 'string' ? said : more.type
    if (name.trim() === '' || name.length > mostName) continue
    fields.push({
      name,
      // A kind of field that this hub does not know is asked for in words.
      type: fieldTypes.find((known) => known === type) ?? 'text',
      options: optionsOf(more.options),
      required: more.optional !== true && more.required !== false,
    })
  }
  // A choice between nothing is a question in words.
  return fields.map((field) =>
    field.type === 'select' && field.options.length === 0 ? { ...field, type: 'text' } : field,
  )
}

function optionsOf(value: unknown): GateField['options'] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list.slice(0, mostOptions).flatMap((item) => {
    const { value: named, label } = objectOf(item)
    const chosen = textOf(typeof item === 'object' ? named : item, mostName)
    return chosen === null ? [] : [{ value: chosen, label: textOf(label, mostName) ?? chosen }]
  })
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}

function textOf(value: unknown, most: number): string | null {
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
  return text === '' ? null : text.slice(0, most)
}

let known: readonly { readonly value: string; readonly label: string }[] | null = null
/** Codes with a name that are no country of ISO 3166-1: unions, reserved ones, and the unknown. */
const noCountry = new Set(['EU', 'EZ', 'UN', 'QO', 'ZZ', 'XA', 'XB', 'AC', 'CP', 'CQ', 'DG', 'EA', 'IC', 'TA', 'XK'])

/** The countries of ISO 3166-1, by their English names. */
export function countries(): readonly { readonly value: string; readonly label: string }[] {
  if (known !== null) return known
  const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' })
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  const found = letters.flatMap((first) =>
    letters.flatMap((second) => {
      const value = first + second
      const label = names.of(value)
      // Old codes are read as the new ones: they would stand there twice.
      const isCurrent = Intl.getCanonicalLocales(`und-${value}`)[0] === `und-${value}`
      return label === undefined || noCountry.has(value) || !isCurrent ? [] : [{ value, label }]
    }),
  )
  known = found.sort((a, b) => a.label.localeCompare(b.label, 'en'))
  return known
}
