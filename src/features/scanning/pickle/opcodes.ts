/** The opcodes of the pickle protocols 0 to 5, by the names that CPython's pickletools gives them. */
export const op = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  POP: 0x30,
  POP_MARK: 0x31,
  DUP: 0x32,
  BINBYTES: 0x42,
  SHORT_BINBYTES: 0x43,
  FLOAT: 0x46,
  BINFLOAT: 0x47,
  INT: 0x49,
  BININT: 0x4a,
  BININT1: 0x4b,
  LONG: 0x4c,
  BININT2: 0x4d,
  NONE: 0x4e,
  PERSID: 0x50,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  STRING: 0x53,
  BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55,
  UNICODE: 0x56,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  DICT: 0x64,
  APPENDS: 0x65,
  GET: 0x67,
  BINGET: 0x68,
  INST: 0x69,
  LONG_BINGET: 0x6a,
  LIST: 0x6c,
  OBJ: 0x6f,
  PUT: 0x70,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  EXT1: 0x82,
  EXT2: 0x83,
  EXT4: 0x84,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  LONG4: 0x8b,
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  BINBYTES8: 0x8e,
  EMPTY_SET: 0x8f,
  ADDITEMS: 0x90,
  FROZENSET: 0x91,
  NEWOBJ_EX: 0x92,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
  BYTEARRAY8: 0x96,
  NEXT_BUFFER: 0x97,
  READONLY_BUFFER: 0x98,
} as const

const names = new Map<number, string>(Object.entries(op).map(([name, code]) => [code, name]))

/** Null where the byte is no opcode. */
export function opcodeName(code: number): string | null {
  return names.get(code) ?? null
}

/**
 * What follows an opcode in the stream:
 * - none, or `fixed` bytes;
 * - `lines`: texts that end with a line feed each;
 * - `counted`: a length of so many bytes, little-endian, then that many bytes. `signed` lengths below zero are refused by CPython.
 */
export type Argument =
  | { readonly kind: 'fixed'; readonly bytes: number }
  | { readonly kind: 'lines'; readonly count: 1 | 2 }
  | { readonly kind: 'counted'; readonly lengthBytes: 1 | 4 | 8; readonly isSigned: boolean }

const fixed = (bytes: number): Argument => ({ kind: 'fixed', bytes })
const lines = (count: 1 | 2): Argument => ({ kind: 'lines', count })
const counted = (lengthBytes: 1 | 4 | 8, isSigned = false): Argument => ({ kind: 'counted', lengthBytes, isSigned })

const withArguments = new Map<number, Argument>([
  [op.BINFLOAT, fixed(8)],
  [op.BININT, fixed(4)],
  [op.BININT1, fixed(1)],
  [op.BININT2, fixed(2)],
  [op.BINGET, fixed(1)],
  [op.BINPUT, fixed(1)],
  [op.LONG_BINGET, fixed(4)],
  [op.LONG_BINPUT, fixed(4)],
  [op.PROTO, fixed(1)],
  [op.EXT1, fixed(1)],
  [op.EXT2, fixed(2)],
  [op.EXT4, fixed(4)],
  [op.FRAME, fixed(8)],
  [op.FLOAT, lines(1)],
  [op.INT, lines(1)],
  [op.LONG, lines(1)],
  [op.PERSID, lines(1)],
  [op.STRING, lines(1)],
  [op.UNICODE, lines(1)],
  [op.GET, lines(1)],
  [op.PUT, lines(1)],
  [op.GLOBAL, lines(2)],
  [op.INST, lines(2)],
  [op.SHORT_BINBYTES, counted(1)],
  [op.SHORT_BINSTRING, counted(1)],
  [op.SHORT_BINUNICODE, counted(1)],
  [op.LONG1, counted(1)],
  [op.BINBYTES, counted(4)],
  [op.BINUNICODE, counted(4)],
  [op.BINSTRING, counted(4, true)],
  [op.LONG4, counted(4, true)],
  [op.BINUNICODE8, counted(8)],
  [op.BINBYTES8, counted(8)],
  [op.BYTEARRAY8, counted(8)],
])

/** By opcode: undefined where the byte is no opcode. */
export const argumentOf: readonly (Argument | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  names.has(code) ? (withArguments.get(code) ?? fixed(0)) : undefined,
)
