/**
 * What the abstract machine keeps of a value: one number. Only what can decide which code runs is told apart: imports, what calls of them
 * return, texts (they may become the names of imports) and, for joblib, the shape and element type of an array. Everything else is `opaque`.
 */

/** Data: numbers, none, bytes, containers. It cannot be called, and is no name. */
export const opaque = 0
/** A text that was too long or too old to be kept, or data of which no more was kept. */
export const forgotten = 1
/** What another party decides: persistent ids, extension codes, what lies under an empty stack. */
export const unknown = 2
/** What lay higher on the stack than the machine keeps: it may have been anything, an import too. */
export const lost = 3
/** What a call of something that is no known import returned. */
export const resultOfUnknown = 4

/** A tuple in which no import stands directly. */
export const plainTuple = 5

/** In the memo: nothing was put there. */
export const absent = 6

const importBase = 0x1000
const resultBase = 2 ** 21
const elementBase = 2 ** 23
const heapBase = 2 ** 25
const heapEnd = 2 ** 34
const namedTupleBase = 2 ** 50
const integerBase = 2 ** 51

/** More imports than this are not told apart; far below what separates the bases. */
export const mostImports = 10_000
export const largestInteger = 2 ** 48

export const importValue = (index: number): number => importBase + index
export const isImport = (value: number): boolean => value >= importBase && value < resultBase
export const importIndex = (value: number): number => value - importBase

export const resultValue = (index: number): number => resultBase + index
export const isResult = (value: number): boolean => value >= resultBase && value < elementBase
export const resultIndex = (value: number): number => value - resultBase

export const heapValue = (index: number): number => heapBase + index
export const isHeap = (value: number): boolean => value >= heapBase && value < heapEnd
export const heapIndex = (value: number): number => value - heapBase

/** A numpy dtype: the index of its code in a list. */
export const elementValue = (index: number): number => elementBase + index
export const isElement = (value: number): boolean => value >= elementBase && value < heapBase
export const elementIndex = (value: number): number => value - elementBase

/** Texts are below zero: the more of them, the lower, and small integers are what the engine stores without allocating. */
export const textValue = (place: number): number => -1 - place
export const isText = (value: number): boolean => value < 0
export const textPlace = (value: number): number => -1 - value

/** A tuple of which only its first item is kept, a text: the arguments of numpy.dtype look so. */
export const namedTupleValue = (text: number): number => namedTupleBase + textPlace(text)
export const isNamedTuple = (value: number): boolean => value >= namedTupleBase && value < integerBase
export const nameOfTuple = (value: number): number => textValue(value - namedTupleBase)

/** Integers are kept only where an array's shape is awaited. */
export const integerValue = (value: number): number => integerBase + value
export const isInteger = (value: number): boolean => value >= integerBase
export const integerOf = (value: number): number => value - integerBase

/** What can neither be called nor be a name. */
export function isData(value: number): boolean {
  return value === opaque || value === plainTuple || isHeap(value) || isInteger(value) || isNamedTuple(value)
}
