/**
 * The attack: a model whose dangerous part the loader finds and the scanner does not look for. One file that is a good safetensors and a Keras model; a configuration
 * under a name, in an encoding, behind blanks or behind so many other entries that only the loader gets to it.
 */
import { Buffer } from 'node:buffer'
import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { memorySource } from '../../src/features/scanning/byte-source.ts'
import { compressionOf } from '../../src/features/scanning/malware/packed.ts'
import { scanStructure } from '../../src/features/scanning/structure/scan-structure.ts'
import { message } from './protobuf-assembler.ts'
import { zipOf } from './zip-assembler.ts'

const levelOf = async (bytes: Buffer) => (await scanStructure(memorySource(bytes))).level
const lambda = { class_name: 'Lambda', config: { function: ['4wEAAAA=', null, null] } }
const model = { class_name: 'Sequential', config: { layers: [lambda] } }
const text = Buffer.from(JSON.stringify(model))
const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')
const hdf5 = (config: Buffer) => Buffer.concat([signature, Buffer.alloc(100), config, Buffer.alloc(100)])

/** A safetensors file with one tensor of bytes, which are what the reader of another format looks for; its header is as long as is wanted. */
function safetensorsAround(bytes: Buffer, headerLength: number): Buffer {
  const header = JSON.stringify({ t: { dtype: 'U8', shape: [bytes.length], data_offsets: [0, bytes.length] } })
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(headerLength))
  return Buffer.concat([length, Buffer.from(header.padEnd(headerLength)), bytes])
}

describe('one file that is two', () => {
  test('a good safetensors that is a Keras model too, as HDF5 behind a block of the user or as a zip behind anything', async () => {
    expect(await levelOf(safetensorsAround(Buffer.from('harmless'), 504))).toBe('safe')
    expect(await levelOf(safetensorsAround(hdf5(text), 504))).toBe('unsafe')
    expect(await levelOf(safetensorsAround(zipOf([{ name: 'config.json', data: text }]), 504))).toBe('unsafe')
  })

  test('a lie in one format does not hide what is worse in another', async () => {
    const lying = safetensorsAround(hdf5(text), 504)
    expect(await levelOf(Buffer.concat([lying, Buffer.from('more')]))).toBe('unsafe')
  })
})

describe('the configuration in a .keras', () => {
  test('names that Python reads as config.json: one with a zero byte, one in an extra field', async () => {
    expect(await levelOf(zipOf([{ name: 'config.json\0.txt', data: text }]))).toBe('unsafe')
    const plain = zipOf([{ name: 'innocent', data: text }])
    const directory = plain.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'))
    const field = Buffer.concat([Buffer.of(0x75, 0x70, 16, 0, 1, 0, 0, 0, 0), Buffer.from('config.json')])
    const entry = Buffer.from(plain.subarray(directory, directory + 46 + 8))
    entry.writeUInt16LE(field.length, 30)
    const end = Buffer.from(plain.subarray(directory + 46 + 8))
    end.writeUInt32LE(entry.length + field.length, 12)
    expect(await levelOf(Buffer.concat([plain.subarray(0, directory), entry, field, end]))).toBe('unsafe')
  })

  test('behind 30,000 other entries; behind more than are read it is not called safe', async () => {
    const others = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `${index}`, data: Buffer.alloc(0) }))
    expect(await levelOf(zipOf([...others(30_000), { name: 'config.json', data: text }]))).toBe('unsafe')
    expect(await levelOf(zipOf([...others(200_001), { name: 'config.json', data: text }]))).toBe('caution')
  }, 60_000)

  test('in every encoding that json.loads reads', async () => {
    const utf16 = Buffer.from(text.toString('utf8'), 'utf16le')
    const utf32 = Buffer.alloc(text.length * 4)
    for (const [index, byte] of text.entries()) utf32.writeUInt32LE(byte, index * 4)
    const turned = (bytes: Buffer, width: 2 | 4) =>
      width === 2 ? Buffer.from(bytes).swap16() : Buffer.from(bytes).swap32()
    const marked = (mark: number[], bytes: Buffer) => Buffer.concat([Buffer.from(mark), bytes])
    const encodings = [
      marked([0xef, 0xbb, 0xbf], text),
      utf16,
      turned(utf16, 2),
      marked([0xff, 0xfe], utf16),
      marked([0xfe, 0xff], turned(utf16, 2)),
      utf32,
      turned(utf32, 4),
      marked([0xff, 0xfe, 0, 0], utf32),
      marked([0, 0, 0xfe, 0xff], turned(utf32, 4)),
    ]
    for (const data of encodings) {
      expect(await levelOf(zipOf([{ name: 'config.json', data }]))).toBe('unsafe')
      expect(await levelOf(data)).toBe('unsafe')
    }
  })

  test('a stream of deflate without its end, which Python reads; what is no JSON is not called safe then', async () => {
    for (const [data, level] of [
      [text, 'unsafe'],
      [text.subarray(0, -9), 'caution'],
    ] as const) {
      const cut = deflateRawSync(Buffer.concat([data, Buffer.alloc(40, ' ')]), { level: 0 })
      cut[0] = 0
      const zip = zipOf([{ name: 'config.json', data: cut, localMethod: 8 }])
      zip.writeUInt16LE(8, zip.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1')) + 10)
      expect(await levelOf(zip)).toBe(level)
    }
  })

  test('Keras makes objects of what lies in something that is none', async () => {
    for (const value of [{ a: lambda }, { a: { b: lambda } }, { class_name: 'x', a: lambda }, [[lambda]]]) {
      const data = Buffer.from(JSON.stringify(value))
      expect(await levelOf(zipOf([{ name: 'config.json', data }]))).toBe('unsafe')
      expect(await levelOf(data)).toBe('unsafe')
    }
    expect(await levelOf(Buffer.from(JSON.stringify({ class_name: 'os', module: 'os', words: ['Lambda'] })))).toBe(
      'safe',
    )
  })
})

describe('blanks', () => {
  const spread = Buffer.from(text.toString('utf8').replaceAll('{', `{${' '.repeat(70)}`))

  test('many of them behind each brace of a text in HDF5, also where pieces end within them', async () => {
    expect(await levelOf(hdf5(spread))).toBe('unsafe')
    for (const before of [100, 70, 64, 63, 30, 1])
      expect(
        await levelOf(Buffer.concat([signature, Buffer.alloc((1 << 18) - 8 - before), spread, Buffer.alloc(9)])),
      ).toBe('unsafe')
  })

  test('thousands of them before a JSON, and before the description of a layer beside a SavedModel', async () => {
    const blanks = Buffer.alloc(100_000, ' ')
    expect(await levelOf(Buffer.concat([blanks, text]))).toBe('unsafe')
    const metadata = (json: string) => message({ 1: message({ 2: '1', 3: 'root', 5: json }) })
    expect(await levelOf(metadata(` ${text.toString('utf8')}`))).toBe('unsafe')
    expect(await levelOf(metadata(`${' '.repeat(5_000)}${text.toString('utf8')}`))).toBe('unsafe')
    expect(await levelOf(metadata(`${text.toString('utf8')}${' '.repeat(5 << 20)}`))).toBe('suspicious')
  })

  test('a JSON longer than is read is safe only where nothing in it can be of Keras', async () => {
    const long = 'w'.repeat(33 << 20)
    expect(await levelOf(Buffer.from(JSON.stringify({ long, ...model })))).toBe('caution')
    expect(
      await levelOf(Buffer.from(JSON.stringify({ long, ...model }).replace('class_name', 'cl\\u0061ss_name'))),
    ).toBe('caution')
    expect(await levelOf(Buffer.from(JSON.stringify({ long, words: 'a class_name of it' })))).toBe('safe')
  })
})

// Story: what looks like the beginning of a text a hundred thousand times makes the scanner copy all that follows as often, and run out of its time.
test('what only looks like a text costs no more than its bytes', { timeout: 15_000 }, async () => {
  const noise = Buffer.alloc(12 << 20, '{"\0')
  expect(await levelOf(Buffer.concat([signature, noise, text, Buffer.alloc(9)]))).toBe('unsafe')
})

// Story: malware lies compressed in a zip behind other bytes, or in one without its directory. YARA sees nothing of it, and its "safe" would count for all.
test('a compressed zip is one behind other bytes and without a directory too', async () => {
  const zip = zipOf([{ name: 'a', data: Buffer.alloc(1_000), isDeflated: true }])
  const plain = zipOf([{ name: 'a', data: Buffer.alloc(1_000) }])
  const of = (...parts: Buffer[]) => compressionOf(memorySource(Buffer.concat(parts)))
  expect(await of(zip)).toBe('zip')
  expect(await of(Buffer.from('before'), zip)).toBe('zip')
  expect(await of(zip.subarray(0, -22))).toBe('zip')
  expect(await of(plain)).toBeNull()
  expect(await of(Buffer.from('before'), plain)).toBeNull()
  expect(await of(Buffer.from('words'))).toBeNull()
})

// Story: the chat template needs two underscores to get at Python's insides, and the scanner looks for them. Jinja reads them in every way that Python writes them.
test.each([
  String.raw`{{ x['\x5f\x5fclass\x5f\x5f'] }}`,
  String.raw`{{ x['\x5F\x5Fclass\x5F\x5F'] }}`,
  String.raw`{{ x['\u005f\u005fclass\u005f\u005f'] }}`,
  String.raw`{{ x['\U0000005f\U0000005fclass'] }}`,
  String.raw`{{ x['\137\137class\137\137'] }}`,
  String.raw`{{ x['\N{LOW LINE}\N{LOW LINE}class'] }}`,
  `{{ x['__cla' ~ 'ss__'] }}`,
])('a chat template that writes its underscores in another way: %s', async (template) => {
  expect(await levelOf(gguf(template))).toBe('unsafe')
})

test('an honest chat template is safe', async () => {
  const template =
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\\n{{ m['content'] | trim }}_{{ '_' }}{% endfor %}"
  expect(await levelOf(gguf(template))).toBe('safe')
})

/** A header with a chat template and no tensors. */
function gguf(template: string): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    return bytes
  }
  const words = (value: string) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)])
  const version = Buffer.of(3, 0, 0, 0)
  const type = Buffer.of(8, 0, 0, 0)
  const pair = [words('tokenizer.chat_template'), type, words(template)]
  return Buffer.concat([Buffer.from('GGUF'), version, number(0), number(1), ...pair])
}
