/** What a card asks, whatever it says, and what is taken for an answer (REP-4). */
import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../../domain/errors.ts'
import { answersOf, countries, hashOfTerms, type Terms, termsOf } from './terms.ts'

const of = (card: object): Terms => termsOf(JSON.stringify(card), 'model')
const fault = (terms: Terms, body: Record<string, unknown>): string => {
  try {
    answersOf(terms, body)
  } catch (error) {
    if (error instanceof HoldfastError) return `${error.params.field}: ${error.message}`
    throw error
  }
  return ''
}

describe('the terms of a card', () => {
  test('say something where the card says nothing, and nothing breaks them', () => {
    const plain = termsOf(null, 'dataset')
    expect(plain).toMatchObject({ prompt: null, fields: [] })
    expect(plain.heading).toContain('this dataset')
    for (const odd of [[], 'text', 7, null, [['a']], { '': 'text' }, { ['x'.repeat(301)]: 'text' }]) {
      expect(of({ extra_gated_fields: odd, extra_gated_prompt: [], extra_gated_heading: {} }).fields).toEqual([])
    }
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, 'text']))
    expect(of({ extra_gated_fields: many }).fields).toHaveLength(50)
    expect(of({ extra_gated_prompt: 'x'.repeat(500_000) }).prompt).toHaveLength(100_000)
  })

  test('know the fields of the Hub; what they do not know is asked for in words', () => {
    const { fields } = of({
      extra_gated_fields: {
        Company: 'text',
        Where: 'ip_location',
        Why: { type: 'select', options: ['A', { label: 'Bee', value: 'b' }, 3, { label: 'no value' }] },
        Nothing: { type: 'select', options: [] },
        Ok: { type: 'checkbox', optional: true },
      },
    })
    expect(fields.map(({ type, required }) => [type, required])).toEqual([
      ['text', true],
      ['text', true],
      ['select', true],
      ['text', true],
      ['checkbox', false],
    ])
    expect(fields[2]?.options).toEqual([
      { value: 'A', label: 'A' },
      { value: 'b', label: 'Bee' },
      { value: '3', label: '3' },
    ])
  })

  test('are one version exactly as long as every word is the same', () => {
    const one = of({ extra_gated_prompt: 'Do no harm.', license: 'mit' })
    expect(hashOfTerms(of({ extra_gated_prompt: 'Do no harm.', license: 'gpl' }))).toBe(hashOfTerms(one))
    expect(hashOfTerms(of({ extra_gated_prompt: 'Do no harm!' }))).not.toBe(hashOfTerms(one))
    expect(hashOfTerms(of({ extra_gated_prompt: 'Do no harm.', extra_gated_fields: { a: 'text' } }))).not.toBe(
      hashOfTerms(one),
    )
  })

  test('take answers by the name of the field or of its control, and nothing besides', () => {
    const terms = of({ extra_gated_fields: { Company: 'text', constructor: 'text', Ok: 'checkbox' } })
    expect(answersOf(terms, { Company: ' ACME ', constructor: 'Bob', Ok: true, admin: 'true' })).toEqual({
      Company: 'ACME',
      constructor: 'Bob',
      Ok: 'true',
    })
    expect(answersOf(terms, { 'answer-0': 'ACME', 'answer-1': 'Bob', 'answer-2': 'on' })).toMatchObject({ Ok: 'true' })
    // What every object has is no answer.
    expect(fault(terms, { Company: 'ACME', Ok: true })).toBe('answer-1: "constructor": this has to be answered.')
    expect(fault(terms, { Company: 'ACME', constructor: 'Bob' })).toBe('answer-2: "Ok": this has to be ticked.')
    expect(fault(terms, { Company: ['ACME', 'ABC'], constructor: 'Bob', Ok: true })).toContain('answer-0')
    expect(fault(terms, { Company: 'a\u0000b', constructor: 'Bob', Ok: true })).toContain('at most 2000 characters')
  })

  test('name the 249 countries of ISO 3166-1, each once', () => {
    const codes = countries().map(({ value }) => value)
    expect(codes).toHaveLength(249)
    expect(new Set(codes).size).toBe(249)
    expect(codes).toEqual(expect.arrayContaining(['NG', 'FR', 'GB', 'TL']))
    for (const none of ['UK', 'EU', 'SU', 'ZZ', 'XK']) expect(codes).not.toContain(none)
  })
})
