/**
 * The arrays of joblib: its pickles are interrupted by the raw bytes of arrays, right after the state of a NumpyArrayWrapper was set. How many
 * bytes those are is said by that state alone, so it is read here as joblib reads it.
 */
export interface ArrayState {
  /** The array is a pickle of its own, in the same stream. */
  readonly holdsObjects: boolean
  readonly bytes: number
  /** A byte comes first that says how many bytes of padding follow it. */
  readonly isPadded: boolean
}

export interface ElementType {
  /** As numpy.dtype is called: kind and size, such as f8, U10 or V16. */
  readonly code: string
  /** Of a type with fields: numpy's flags; null where its state was not seen. */
  flags: number | null
  hasState: boolean
}

const objectFlag = 1

/** Null where the state does not tell how long the array is. */
export function arrayState(
  shape: readonly number[] | null,
  type: ElementType | null,
  alignment: number | 'none' | null,
): ArrayState | null {
  if (type === null) return null
  const [, kind, digits] = /^[<>=|]?([a-zA-Z?])(\d*)$/.exec(type.code) ?? []
  if (kind === undefined) return null
  if (kind === 'O') return { holdsObjects: true, bytes: 0, isPadded: false }
  if (kind === 'V' && type.hasState) {
    if (type.flags === null) return null
    if ((type.flags & objectFlag) !== 0) return { holdsObjects: true, bytes: 0, isPadded: false }
  }
  if (shape === null || digits === '') return null
  const size = Number(digits) * (kind === 'U' ? 4 : 1)
  const count = shape.reduce((product, length) => product * length, 1)
  // joblib sees to padding where the state has an alignment at all; files of before 1.2 have none.
  return { holdsObjects: false, bytes: count * size, isPadded: typeof alignment === 'number' }
}

export function isArrayWrapper(module: string, name: string): boolean {
  return name === 'NumpyArrayWrapper' && /(^|\.)joblib\.numpy_pickle$/.test(module)
}
