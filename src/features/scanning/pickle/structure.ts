import type { Verdict } from './verdict.ts'

/** What is wrong with a stream beside the names that it imports. */
export const structures = {
  'import-changed': {
    verdict: 'dangerous',
    about: 'An attribute or item of something imported is set: what other names mean afterwards cannot be known.',
  },
  'unresolvable-import': {
    verdict: 'dangerous',
    about: 'A name to import is computed, hidden, or decided outside of the file.',
  },
  'unknown-callee': {
    verdict: 'dangerous',
    about: 'Something is called that no import of the file names: what a call returned, or what the loader puts there.',
  },
  'extension-code': {
    verdict: 'dangerous',
    about: 'A name is taken from the extension registry of the process that loads the file.',
  },
  'zip-names-differ': {
    verdict: 'suspicious',
    about: 'An entry of a zip has one name in the directory and another before its data.',
  },
  'zip-hidden-entry': {
    verdict: 'suspicious',
    about: 'A zip holds an entry that its directory does not list.',
  },
  'zip-says-encrypted': {
    verdict: 'suspicious',
    about: 'An entry of a zip is marked as encrypted and is not: readers differ on it.',
  },
  'zip-methods-differ': {
    verdict: 'suspicious',
    about: 'An entry of a zip is compressed in one way by the directory and in another by the header before its data.',
  },
} as const satisfies Readonly<Record<string, { verdict: Exclude<Verdict, 'innocuous'>; about: string }>>

export type Structure = keyof typeof structures

export interface Finding {
  readonly structure: Structure
  readonly verdict: Exclude<Verdict, 'innocuous'>
  readonly detail: string
  /** Bytes from the beginning of the stream. */
  readonly at: number
}
