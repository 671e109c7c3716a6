/**
 * The attack: a model without a single pickle in it, which its loader believes. An ONNX tensor that "lies in" ../../.ssh/id_rsa, a Keras layer that is Python, a
 * TensorFlow graph that writes files. Every file here is put together by the test; nothing is loaded.
 */
import { Buffer } from 'node:buffer'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memorySource, openFileSource } from '../../src/features/scanning/byte-source.ts'
import { scanStructure } from '../../src/features/scanning/structure/scan-structure.ts'
import { expectSuccess, findPython, runClient } from '../compat/clients.ts'
import { externalTensor, field, message, onnxModel, savedModel, tensorflowGraph, varint } from './protobuf-assembler.ts'
import { zipOf } from './zip-assembler.ts'

const scan = (bytes: Buffer) => scanStructure(memorySource(bytes))
const expectLevel = async (bytes: Buffer, level: string, words: string | null = null) => {
  const report = await scan(bytes)
  expect(report.level, report.message ?? '').toBe(level)
  if (words !== null) expect(report.message).toContain(words)
}
const inGraph = (entries: Record<string, string>) => onnxModel({ 5: externalTensor(entries) })

describe('ONNX: data outside of the model', () => {
  test.each([
    '../../.ssh/id_rsa',
    'weights/../../secret',
    '..',
    '..\\..\\secret',
    'a\\..\\..\\secret',
    '/etc/passwd',
    '\\\\server\\share\\file',
    'C:\\Windows\\win.ini',
    'c:secret',
    '~/.ssh/id_rsa',
    'https://elsewhere.example/weights',
    'file:///etc/passwd',
    'weights\0/../../etc/passwd',
    'a\n../b',
    '',
    '*/_ORT_MEM_ADDR_/*',
  ])('a location that leads elsewhere is unsafe: %j', async (location) => {
    await expectLevel(inGraph({ location }), 'unsafe', 'tensor "weight" lies in')
  })

  test.each(['weights.bin', 'folder/weights.bin', 'model..onnx.data', '...', 'a b.data', 'ünïcode'])(
    'a location in the folder of the model is not: %j',
    async (location) => {
      await expectLevel(inGraph({ location, offset: '4096', length: '4000', checksum: 'abc' }), 'safe')
    },
  )

  test('it is found wherever a tensor can stand: attributes, subgraphs, sparse tensors, functions, training', async () => {
    const tensor = externalTensor({ location: '../x' })
    const attribute = (fields: Record<number, Buffer>) =>
      message({ 1: message({ 5: message({ 1: 'value', ...fields }) }) })
    const graph = message({ 5: tensor })
    const places: Buffer[] = [
      onnxModel({ 15: message({ 1: tensor }) }),
      onnxModel({ 15: message({ 2: tensor }) }),
      ...[
        attribute({ 5: tensor }),
        attribute({ 10: tensor }),
        attribute({ 6: graph }),
        attribute({ 11: graph }),
        attribute({ 22: message({ 1: tensor }) }),
        attribute({ 23: message({ 1: tensor }) }),
      ].map((nodes) => Buffer.concat([message({ 1: 8 }), field(7, nodes)])),
      message({ 1: 8, 7: message({ 2: 'g' }), 25: message({ 1: 'f', 7: message({ 5: message({ 5: tensor }) }) }) }),
      message({ 1: 8, 7: message({ 2: 'g' }), 20: message({ 2: graph }) }),
    ]
    for (const place of places) await expectLevel(place, 'unsafe', '"../x"')
  })

  test('of two locations both must be good: readers differ on which counts', async () => {
    const entries = (first: string, second: string) =>
      onnxModel({
        5: message({
          8: 'w',
          13: [message({ 1: 'location', 2: first }), message({ 1: 'location', 2: second })],
          14: 1,
        }),
      })
    await expectLevel(entries('../x', 'good'), 'unsafe')
    await expectLevel(entries('good', '../x'), 'unsafe')
    await expectLevel(entries('good', 'good'), 'safe')
  })

  test('what parsers pass over hides nothing: unknown fields, groups, fields in any order, long numbers', async () => {
    const evil = inGraph({ location: '../x' })
    const group = Buffer.concat([varint(100 * 8 + 3), field(1, 'inside'), varint(100 * 8 + 4)])
    await expectLevel(Buffer.concat([field(1000, 'unknown'), evil]), 'unsafe')
    await expectLevel(Buffer.concat([group, evil, group]), 'unsafe')
    await expectLevel(
      Buffer.concat([field(7, message({ 5: externalTensor({ location: '../x' }) })), field(1, 8)]),
      'unsafe',
    )
    const long = Buffer.from([0x08, 0x88, 0x80, 0x80, 0x80, 0x00])
    await expectLevel(Buffer.concat([long, evil]), 'unsafe')
  })

  test.each([
    [{ location: 'w', offset: '-1' }, 'offset "-1"'],
    [{ location: 'w', offset: '0x10' }, 'offset "0x10"'],
    [{ location: 'w', length: '99999999999999999999' }, 'length'],
    [{ location: 'w', offset: '9007199254740000', length: '9007199254740000' }, 'beyond'],
    [{ location: 'w', length: '3999' }, 'has 3999 bytes, its shape needs 4000'],
    [{ location: 'w', length: '400000' }, 'its shape needs 4000'],
    [{ offset: '0' }, 'nothing says where'],
  ])('offsets and lengths that lie are suspicious: %j', async (entries, words) => {
    await expectLevel(inGraph(entries as Record<string, string>), 'suspicious', words)
  })

  test('operators that call Python are suspicious; others are not', async () => {
    await expectLevel(onnxModel({ 1: message({ 4: 'PyOp', 7: 'ai.onnx.contrib' }) }), 'suspicious', 'PyOp')
    await expectLevel(onnxModel({ 1: message({ 4: 'MatMul' }) }), 'safe')
  })

  test('MAL-9: graphs without end, cut files and tensors of gigabytes end in a definite state, and nothing large is held', async () => {
    let nested = message({ 2: 'innermost' })
    for (let depth = 0; depth < 200; depth++) nested = message({ 1: message({ 5: message({ 6: nested }) }) })
    await expectLevel(Buffer.concat([message({ 1: 8 }), field(7, nested)]), 'suspicious', 'deeper')
    const evil = inGraph({ location: '../x' })
    for (let cut = 1; cut < evil.length; cut++)
      expect(['safe', 'unsafe']).toContain((await scan(evil.subarray(0, cut))).level)
    // Ten gigabytes of weights in a source that counts what is read of it.
    const graphTail = field(5, externalTensor({ location: '../x' }))
    const raw = 10 * 2 ** 30
    const tensorHead = Buffer.concat([field(8, 'big'), varint(9 * 8 + 2), varint(raw)])
    const graphHead = Buffer.concat([varint(5 * 8 + 2), varint(tensorHead.length + raw), tensorHead])
    const head = Buffer.concat([
      message({ 1: 8 }),
      varint(7 * 8 + 2),
      varint(graphHead.length + raw + graphTail.length),
      graphHead,
    ])
    let read = 0
    const report = await scanStructure({
      size: head.length + raw + graphTail.length,
      async *read(from, to) {
        for (let at = from; at < to; at += 1 << 16) {
          const piece = Buffer.alloc(Math.min(1 << 16, to - at))
          if (at < head.length) head.copy(piece, 0, at)
          for (let index = 0; index < piece.length; index++) {
            const inTail = at + index - head.length - raw
            if (inTail >= 0) piece[index] = graphTail[inTail] ?? 0
          }
          read += piece.length
          yield piece
        }
      },
    })
    expect(report).toMatchObject({ level: 'unsafe' })
    expect(read).toBeLessThan(4 << 20)
  })
})

describe('TensorFlow: operators that reach out', () => {
  test.each([
    ['WriteFile', 'unsafe'],
    ['ReadFile', 'suspicious'],
    ['PyFunc', 'suspicious'],
    ['EagerPyFunc', 'suspicious'],
    ['MatMul', 'safe'],
    ['SaveV2', 'safe'],
  ])('%s is %s: in a SavedModel, in a function of it, and in a frozen graph', async (operator, level) => {
    await expectLevel(savedModel(tensorflowGraph(['Placeholder', operator])), level)
    await expectLevel(savedModel(tensorflowGraph(['Placeholder'], ['Identity', operator])), level)
    await expectLevel(tensorflowGraph(['Placeholder', operator]), level)
  })

  test('the worst is told, whatever comes first', async () => {
    await expectLevel(savedModel(tensorflowGraph(['ReadFile', 'WriteFile'])), 'unsafe', 'WriteFile')
  })

  test('the layers of Keras beside a SavedModel are looked at', async () => {
    const layer = JSON.stringify({
      class_name: 'Lambda',
      config: { function: ['4wEAAAA=', null, null], function_type: 'lambda' },
    })
    await expectLevel(
      message({ 1: message({ 2: 1, 3: 'root.layer', 4: '_tf_keras_layer', 5: layer }) }),
      'unsafe',
      'Lambda',
    )
  })
})

/** As Keras 3 writes it. */
const model = (...layers: object[]) => ({
  module: 'keras.src.models.functional',
  class_name: 'Functional',
  config: { name: 'm', layers: [dense, ...layers] },
  registered_name: 'Functional',
  compile_config: { optimizer: { module: 'keras.optimizers', class_name: 'Adam', config: {}, registered_name: null } },
})
const dense = {
  module: 'keras.layers',
  class_name: 'Dense',
  config: {
    dtype: { module: 'keras', class_name: 'DTypePolicy', config: { name: 'float32' }, registered_name: null },
    kernel_initializer: {
      module: 'keras.initializers',
      class_name: 'GlorotUniform',
      config: {},
      registered_name: null,
    },
    activation: { module: 'keras.activations', class_name: 'function', config: 'gelu', registered_name: 'gelu' },
    shape: { module: 'builtins', class_name: '__tuple__', config: { items: [1, 2] } },
  },
  registered_name: null,
}
const layer = (module: unknown, className: string, config: unknown, registered: unknown = null) => ({
  module,
  class_name: className,
  config,
  registered_name: registered,
})
const lambda = (code: unknown, more: object = {}) => layer('keras.layers', 'Lambda', { function: code, ...more })

/** Each is one way to have code run by whoever loads the model. */
const bad: readonly [what: string, layer: object, level: string][] = [
  ['a lambda as Keras 3 writes it', lambda({ class_name: '__lambda__', config: { code: '4wEAAAA=' } }), 'unsafe'],
  ['a lambda as Keras 2 writes it', lambda(['4wEAAAA=', null, null], { function_type: 'lambda' }), 'unsafe'],
  [
    'a lambda where a layer expects a function',
    layer('keras.layers', 'Dense', { activation: { class_name: '__lambda__', config: {} } }),
    'unsafe',
  ],
  ['a Lambda layer that names a function', lambda(layer('builtins', 'function', 'f', 'function')), 'suspicious'],
  ['CVE-2025-1550: any module, here os.system', layer('os', 'function', 'system', 'system'), 'unsafe'],
  ['a class of a module that runs code', layer('subprocess', 'Popen', { args: 'id' }), 'unsafe'],
  ['a module that nobody knows', layer('acme.layers', 'Block', {}), 'suspicious'],
  ['builtins.exec', layer('builtins', 'exec', {}), 'unsafe'],
  ['CVE-2025-8747: get_file of Keras itself', layer('keras.utils', 'function', 'get_file', 'get_file'), 'unsafe'],
  [
    'CVE-2025-9906: the safe mode is switched off',
    layer('keras.config', 'function', 'enable_unsafe_deserialization'),
    'unsafe',
  ],
  [
    'CVE-2025-49655: a module of torch, which is a pickle',
    layer('keras.layers', 'TorchModuleWrapper', { module: 'gAJ9Lg==' }),
    'unsafe',
  ],
  ['a SavedModel from anywhere', layer('keras.layers', 'TFSMLayer', { filepath: '/tmp/other' }), 'unsafe'],
  [
    'CVE-2025-12058: a vocabulary from a file of the loader',
    layer('keras.layers', 'StringLookup', { vocabulary: '/etc/passwd' }),
    'suspicious',
  ],
  ['an inner part of Keras', layer('keras.src.utils.file_utils', 'function', 'extract_archive'), 'suspicious'],
  ['a custom layer', layer(null, 'Mine', {}, 'acme>Mine'), 'suspicious'],
  ['a custom layer, as Keras 2 writes it', { class_name: 'Custom>Mine', config: {} }, 'suspicious'],
  ['a custom function', layer('builtins', 'function', 'my_loss', 'function'), 'suspicious'],
]

const hdf5 = (
  text: string,
  header: Buffer = Buffer.from('GCOL\x01\0\0\0\0\x10\0\0\0\0\0\0\x02\0\x01\0\0\0\0\0', 'latin1'),
) => {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))
  const padding = Buffer.alloc(8 - (Buffer.byteLength(text) % 8))
  return Buffer.concat([
    Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
    Buffer.alloc(88, 0xff),
    header,
    length,
    Buffer.from(text),
    padding,
  ])
}
const kerasZip = (text: string) =>
  zipOf([
    { name: 'metadata.json', data: Buffer.from('{"keras_version": "3.15.1"}') },
    { name: 'config.json', data: Buffer.from(text), isDeflated: true },
    { name: 'model.weights.h5', data: hdf5('no text') },
  ])
const containers: readonly [string, (text: string) => Buffer][] = [
  ['.keras', kerasZip],
  ['HDF5', (text) => hdf5(text)],
  ['JSON', (text) => Buffer.from(text)],
]

describe.each(containers)('Keras: code in the configuration, in %s', (_name, wrap) => {
  test.each(bad)('%s', async (_what, one, level) => {
    await expectLevel(wrap(JSON.stringify(model(one))), level, 'Keras: ')
  })

  test('a model of layers that Keras has is safe, with what Python writes for numbers too', async () => {
    await expectLevel(wrap(JSON.stringify(model())), 'safe')
    const strange = JSON.stringify(model({ ...dense, config: { max: '@' } })).replace('"@"', '-Infinity')
    await expectLevel(wrap(strange), 'safe')
    const hidden = JSON.stringify(model({ ...dense, config: { max: '@' } }, layer('os', 'function', 'system')))
    await expectLevel(wrap(hidden.replace('"@"', 'NaN')), 'unsafe')
  })

  test('names in another spelling of JSON are the same names', async () => {
    const text = JSON.stringify(model(lambda(['4w==', null, null])))
    await expectLevel(
      wrap(text.replaceAll('"class_name"', '"class\\u005fname"').replaceAll('"Lambda"', '"\\u004cambda"')),
      'unsafe',
    )
  })

  test('MAL-9: lists without end in each other', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const text = JSON.stringify(model({ ...dense, config: '@' }, layer('os', 'function', 'system'))).replace(
      '"@"',
      deep,
    )
    await expectLevel(wrap(text), 'unsafe')
  })
})

describe('Keras: what only a container can hide', () => {
  const evil = JSON.stringify(model(layer('os', 'function', 'system')))
  const good = JSON.stringify(model())

  test('of several config.json in a zip each counts', async () => {
    for (const [first, second] of [
      [evil, good],
      [good, evil],
    ] as const) {
      await expectLevel(
        zipOf([
          { name: 'config.json', data: Buffer.from(first) },
          { name: 'config.json', data: Buffer.from(second), isDeflated: true },
        ]),
        'unsafe',
      )
    }
  })

  test('MAL-9: a config.json that unpacks to more than is read, and one that cannot be, are never ok', async () => {
    const bomb = zipOf([{ name: 'config.json', data: Buffer.alloc(64 << 20, 0x20), isDeflated: true }])
    await expectLevel(bomb, 'caution', 'longer than is read')
    const strange = kerasZip(evil)
    const at = strange.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]), strange.indexOf('model.weights.h5'))
    const second = strange.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]), at + 4)
    strange.writeUInt16LE(97, second + 10)
    await expectLevel(strange, 'caution', 'method 97')
  })

  test('an HDF5 text is found behind a block of the user, across pieces, and behind what only looks like a text', async () => {
    await expectLevel(Buffer.concat([Buffer.alloc(1024), hdf5(evil)]), 'unsafe')
    for (const before of [(1 << 18) - 190, (1 << 18) - 130, (1 << 18) - 121, (1 << 18) - 120, (1 << 18) - 119]) {
      await expectLevel(hdf5(evil, Buffer.alloc(before, 0)), 'unsafe')
    }
    // No zero byte between them: the first never ends.
    await expectLevel(hdf5(`{"never closed ${'{"'.repeat(500)} ${evil}`, Buffer.from('{"x')), 'unsafe')
    await expectLevel(hdf5(`{ \n\t"a": 1} ${evil}`), 'unsafe')
  })

  test('other zips, JSON files and HDF5 files are none of its business', async () => {
    await expectLevel(zipOf([{ name: 'config.json', data: Buffer.from('{"architectures": ["X"]}') }]), 'safe')
    await expectLevel(Buffer.from('{"architectures": ["BertModel"], "class_name": "x"}'), 'safe')
    await expectLevel(hdf5('{"backend": "torch"}'), 'safe')
    await expectLevel(Buffer.from('{"class_name": "os", "config"'), 'safe')
  })
})

const python = findPython('models')

describe.skipIf(python === null)('what onnx and h5py really write', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'holdfast-structure-'))
    const script = fileURLToPath(new URL('python/write_models.py', import.meta.url))
    expectSuccess(
      await runClient(
        python ?? '',
        [script, folder, JSON.stringify(model()), JSON.stringify(model(lambda(['4w=='])))],
        { timeoutMs: 120_000 },
      ),
    )
  }, 130_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('honest files are safe, the others are found', async () => {
    const levels: Record<string, string> = {}
    for (const name of (await readdir(folder)).sort()) {
      const source = await openFileSource(path.join(folder, name))
      levels[name] = (await scanStructure(source)).level
      await source.close()
    }
    const safe = Object.keys(levels).filter((name) => name.startsWith('honest-') || name.endsWith('.data'))
    const found = Object.keys(levels).filter((name) => name.startsWith('bad-'))
    expect(safe.length).toBeGreaterThanOrEqual(7)
    expect(found.length).toBe(5)
    for (const name of safe) expect(levels[name], name).toBe('safe')
    for (const name of found) expect(levels[name], name).toBe('unsafe')
  })
})
