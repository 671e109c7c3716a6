/**
 * Secrets in a text: which kind, on which line, and as much of it as may be shown. The secret itself leaves this file in no form.
 */
import { lintSource } from '@secretlint/core'
import { tokenInText } from '../../../domain/token.ts'
import { mayHoldSecrets } from './marks.ts'
import { isHomelyAddress, isPlaceholder } from './placeholders.ts'
import { addressKinds, hubTokenKind, kindOf, ruleSet } from './rules.ts'

export interface FoundSecret {
  /** In words for people, such as "GitHub token". */
  readonly kind: string
  /** From 1. */
  readonly line: number
  /** Its prefix, and nothing that narrows down the rest; empty where a kind has none. */
  readonly masked: string
}

export interface PlacedSecret extends FoundSecret {
  /** The byte where it begins. */
  readonly at: number
}

/** `text` is decoded as latin1, a character for each byte. In the order of their places, each place once. */
export async function findSecrets(text: string): Promise<PlacedSecret[]> {
  if (!mayHoldSecrets(text)) return []
  const { messages } = await lintSource({
    // The name makes the rules for .npmrc look too; no file of that name, or of any other, is ever opened.
    source: { filePath: '.npmrc', content: text, contentType: 'text', ext: '.txt' },
    options: { config: ruleSet, noPhysicFilePath: true },
  })
  const found = messages.map(({ ruleId, range: [from, to] }) => ({ at: from, to, kind: kindOf(ruleId) }))
  for (const { 0: value, index } of text.matchAll(tokenInText)) {
    found.push({ at: index, to: index + value.length, kind: hubTokenKind })
  }
  found.sort((one, other) => one.at - other.at)
  const counter = new LineCounter(text)
  const secrets: PlacedSecret[] = []
  let end = 0
  for (const { at, to, kind } of found) {
    const value = text.slice(at, to)
    // Two rules may see one secret: the first of them tells it.
    if (at < end || isHarmless(kind, value)) continue
    end = to
    secrets.push({ kind, line: counter.lineOf(at), masked: mask(kind, value), at })
  }
  return secrets
}

function isHarmless(kind: string, value: string): boolean {
  if (addressKinds.includes(kind)) return isHomelyAddress(value)
  // The test keys of Stripe stand in everybody's documents, and move no money.
  if (/^[sr]k_test_/.test(value)) return true
  return !value.startsWith('-----BEGIN') && isPlaceholder(value)
}

/** `ghp_***`, in characters that a header can carry: what every value of the kind begins with. */
function mask(kind: string, value: string): string {
  if (addressKinds.includes(kind) || value.startsWith('-----BEGIN')) return ''
  const [prefix = ''] = /^[A-Za-z0-9]{2,12}[-_.](?:(?:ant|proj|svcacct|admin|api|pat|live)[-_])?/.exec(value) ?? []
  return `${prefix}***`
}

/** For places that are asked for in ascending order. */
class LineCounter {
  readonly #text: string
  #line = 1
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  lineOf(place: number): number {
    for (;;) {
      const next = this.#text.indexOf('\n', this.#at)
      if (next === -1 || next >= place) return this.#line
      this.#line++
      this.#at = next + 1
    }
  }
}
