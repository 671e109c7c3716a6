import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { argumentOf, op, opcodeName } from '../../src/features/scanning/pickle/opcodes.ts'
import { PickleReader } from '../../src/features/scanning/pickle/read-pickles.ts'
import { memorySource, scanPickles } from '../../src/features/scanning/service.ts'
import { hasProgram } from '../compat/clients.ts'
import {
  bytes,
  call,
  callingPickle,
  get,
  global,
  hugeBytes,
  join,
  longText,
  payload,
  proto,
  put,
  text,
} from './pickle-assembler.ts'
import { tarOf, zipOf } from './zip-assembler.ts'

function report(pieces: readonly Uint8Array[]): unknown {
  const reader = new PickleReader()
  for (const piece of pieces) reader.write(Uint8Array.from(piece))
  return reader.end()
}

function cut(sample: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  let at = 0
  for (let turn = 0; at < sample.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    pieces.push(sample.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** Pieces of pickles, whole and broken, and of nothing at all, in any order. */
const fragments = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
  fc.constantFrom(
    payload(),
    callingPickle('collections', 'OrderedDict'),
    join('cos\nsystem\n(Vecho\ntR.'),
    call('os', 'system', 'echo'),
    proto(2),
    proto(4),
    join(proto(4), '\x95'),
    Buffer.from([0x80]),
    join('.'),
    join('('),
    join('N.'),
    put(3),
    get(3),
    text('os'),
    longText('x'.repeat(300)),
    hugeBytes(Buffer.alloc(600, 0x80)),
    bytes(payload()),
    global('numpy', 'ndarray'),
    join('\x93'),
    join(`I${'1'.repeat(300)}\n`),
    join(`c${'a'.repeat(9000)}`),
  ),
)
const samples = fc.array(fragments, { maxLength: 12 }).map((parts) => Buffer.concat(parts))

/** Two machines read it side by side; which of them ended first once depended on the cuts, and with it the order of the list. */
const sideBySide = Buffer.from(
  '0080049580048c0b636f6c6c656374696f6e738c0b4f72646572656444696374938c046563686f85522e636f730a' +
    '73797374656d0a2858040000006563686f745280048c05706f7369788c0673797374656d938c046563686f85522e',
  'hex',
)

describe('MAL-8: the pickle machine', () => {
  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(samples, fc.uint8Array({ maxLength: 2000 })), (sample) => {
        report([sample])
      }),
      { numRuns: 500 },
    )
  })

  it('says the same however the bytes are cut', () => {
    fc.assert(
      fc.property(
        samples,
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
        (sample, sizes) => {
          expect(report(cut(sample, sizes))).toEqual(report([sample]))
        },
      ),
      { numRuns: 500, examples: [[sideBySide, [1]]] },
    )
  })

  it('says the same byte by byte', () => {
    fc.assert(
      fc.property(samples, (sample) => {
        expect(report(cut(sample, [1]))).toEqual(report([sample]))
      }),
      { numRuns: 60 },
    )
  })

  it('knows every opcode that Python knows, and its argument', async () => {
    if (!hasProgram('python3', 'apt install python3')) return
    const script =
      'import pickletools, json; print(json.dumps([[ord(o.code), o.name, o.arg.n if o.arg else 0] for o in pickletools.opcodes]))'
    const known = JSON.parse(await python(['-c', script], '')) as [number, string, number][]
    expect(known.map(([code, name]) => [code, name]).sort()).toEqual(
      Object.entries(op)
        .map(([name, code]) => [code, name])
        .sort(),
    )
    for (const [code, name, length] of known) {
      expect(opcodeName(code)).toBe(name)
      const argument = argumentOf[code]
      if (length >= 0) expect(argument).toEqual({ kind: 'fixed', bytes: length })
      else expect(argument?.kind).toBe(length === -1 ? 'lines' : 'counted')
    }
  })

  it('lists the same opcodes at the same places as pickletools', async () => {
    if (!hasProgram('python3', 'apt install python3')) return
    const values = fc.sample(value, { numRuns: 150, seed: 5 })
    const written = fc.sample(opcodes, { numRuns: 250, seed: 6 })
    const lines = [
      ...values.flatMap((one, index) => [{ value: one, protocol: index % 6 }]),
      ...written.map((sample) => ({ hex: sample.toString('hex') })),
    ]
    const output = await python(
      [fileURLToPath(new URL('python/list_opcodes.py', import.meta.url))],
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    )
    let compared = 0
    for (const line of output.trim().split('\n')) {
      const { hex, opcodes: expected } = JSON.parse(line) as { hex: string; opcodes: [number, number][] | null }
      if (expected === null) continue
      const seen: [number, number][] = []
      const reader = new PickleReader((code, at) => seen.push([code, at]))
      reader.write(Buffer.from(hex, 'hex'))
      reader.end()
      expect(seen).toEqual(expected)
      compared++
    }
    expect(compared).toBeGreaterThan(380)
  })
})

describe('MAL-9: containers', () => {
  it('never fail, whatever is damaged in them', async () => {
    const whole = zipOf([
      { name: 'a', data: payload(), isDeflated: true },
      { name: 'b', data: tarOf('c', payload()) },
    ])
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(whole, tarOf('x', whole)),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(whole.length),
        async (sample, changes, end) => {
          const damaged = Buffer.from(sample)
          for (const [at, byte] of changes) damaged[at] = byte
          const scan = await scanPickles(memorySource(damaged.subarray(0, Math.max(1, end))), {
            signal: new AbortController().signal,
          })
          expect(scan.state).not.toBe('error')
        },
      ),
      { numRuns: 150 },
    )
  })
})

type Value = string | number | boolean | null | readonly (string | Value)[]

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.string({ unit: 'binary', maxLength: 30 }).filter((one) => one.isWellFormed()),
    fc.constantFrom('y'.repeat(300), 'z'.repeat(70_000)),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: -(2n ** 2100n), max: 2n ** 2100n }).map((one) => ['int', String(one)]),
    fc.uint8Array({ maxLength: 300 }).map((one) => ['bytes', Buffer.from(one).toString('hex')]),
    fc.array(fc.integer(), { maxLength: 4 }).map((items) => ['set', ...items]),
    fc
      .tuple(fc.constantFrom('list', 'tuple', 'dict'), fc.array(tie('value'), { maxLength: 5 }))
      .map(([kind, items]) => [kind, ...items]),
  ),
}))

const word = fc.stringMatching(/^[a-z]{1,12}$/)
const lineArguments: Readonly<Record<number, fc.Arbitrary<string>>> = {
  [op.INT]: fc.integer().map(String),
  [op.LONG]: fc.bigInt().map((one) => `${one}L`),
  [op.FLOAT]: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  [op.STRING]: word.map((one) => `'${one}\\x41'`),
  [op.UNICODE]: word.map((one) => `${one}\\u0041`),
  [op.PERSID]: word,
  [op.GET]: fc.nat().map(String),
  [op.PUT]: fc.nat().map(String),
}

/** One opcode with an argument that is well-formed; what it does to the stack does not matter to pickletools.genops. */
const oneOpcode = fc.constantFrom(...Object.values(op).filter((code) => code !== op.STOP)).chain((code) => {
  const argument = argumentOf[code]
  const start = Buffer.from([code])
  if (argument === undefined) return fc.constant(start)
  if (argument.kind === 'fixed') {
    return fc
      .uint8Array({ minLength: argument.bytes, maxLength: argument.bytes })
      .map((array) => Buffer.concat([start, code === op.PROTO ? Buffer.from([(array[0] ?? 0) % 6]) : array]))
  }
  if (argument.kind === 'lines') {
    const line = lineArguments[code] ?? word
    return fc
      .array(line, { minLength: argument.count, maxLength: argument.count })
      .map((all) => Buffer.concat([start, Buffer.from(`${all.join('\n')}\n`)]))
  }
  return fc.string({ unit: 'grapheme-ascii', maxLength: argument.lengthBytes === 1 ? 255 : 700 }).map((content) => {
    const length = Buffer.alloc(argument.lengthBytes)
    length.writeUIntLE(content.length, 0, Math.min(6, argument.lengthBytes))
    return Buffer.concat([start, length, Buffer.from(content, 'latin1')])
  })
})
const opcodes = fc.array(oneOpcode, { maxLength: 30 }).map((parts) => Buffer.concat([...parts, Buffer.from('.')]))

async function python(args: readonly string[], input: string): Promise<string> {
  const child = spawn('python3', [...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(input)
  const parts: Buffer[] = []
  for await (const part of child.stdout) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}
