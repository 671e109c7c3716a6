/**
 * The attack: somebody publishes a model whose pickle runs code on whoever loads it, made so that a scanner looks past it: the name is hidden,
 * computed or unknown to the list, the stream breaks after the payload, or the container is read otherwise than its loader reads it. Each test
 * builds one such sample out of public reports and wants it found. No sample is ever loaded.
 */
import { Buffer } from 'node:buffer'
import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { memorySource, type PickleScan, scanPickles, type Verdict } from '../../src/features/scanning/service.ts'
import { gadgets } from './gadgets.ts'
import {
  build,
  bytes,
  call,
  callingPickle,
  frame,
  get,
  global,
  hugeBytes,
  hugeText,
  join,
  longText,
  mark,
  memoize,
  none,
  payload,
  pop,
  proto,
  put,
  reduce,
  stackGlobal,
  stop,
  text,
  tuple1,
  tuple2,
} from './pickle-assembler.ts'
import { tarOf, zipOf } from './zip-assembler.ts'

const scan = (sample: Buffer): Promise<PickleScan> =>
  scanPickles(memorySource(sample), { signal: new AbortController().signal })

interface Technique {
  readonly name: string
  readonly source: string
  readonly verdict: Exclude<Verdict, 'innocuous'>
  readonly build: () => Buffer
  /** An import that must be named, or a finding. */
  readonly names: string
  readonly state?: PickleScan['state']
}

const dangerous = (
  name: string,
  source: string,
  names: string,
  sample: () => Buffer,
  state?: PickleScan['state'],
): Technique => ({ name, source, names, build: sample, verdict: 'dangerous', ...(state ? { state } : {}) })

const echo = join(longText('echo'), tuple1, reduce)
const honest = join(proto(4), '}', memoize, stop)
const objectHeader = Buffer.from("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")
const npyOf = (body: Buffer): Buffer =>
  join('\x93NUMPY\x01\x00', Buffer.from([objectHeader.length & 255, objectHeader.length >> 8]), objectHeader, body)

const wrapper = join(proto(3), global('joblib.numpy_pickle', 'NumpyArrayWrapper'), ')\x81')
const arrayState = (dtype: string, shape: Buffer): Buffer =>
  join(
    '}(',
    longText('shape'),
    shape,
    longText('dtype'),
    global('numpy', 'dtype'),
    longText(dtype),
    '\x89\x88\x87R',
    longText('numpy_array_alignment_bytes'),
    'K\x10',
    'u',
    build,
  )

const ofStreams: readonly Technique[] = [
  dangerous('GLOBAL and REDUCE in protocol 0', 'Sour Pickles, Black Hat 2011', 'posix system', () =>
    join("cposix\nsystem\n(S'echo'\ntR."),
  ),
  dangerous('STACK_GLOBAL in a frame', 'Hugging Face, pickle scanning', 'posix system', () => {
    const body = join(stackGlobal('posix', 'system'), memoize, echo, stop)
    return join(proto(4), frame(body.length), body)
  }),
  dangerous('INST calls without GLOBAL', 'picklescan issue 13', 'builtins eval', () =>
    join("(S'1'\ni__builtin__\neval\n."),
  ),
  dangerous('OBJ calls without REDUCE', 'doyensec, r2pickledec', 'os system', () =>
    join(mark, global('os', 'system'), longText('echo'), 'o.'),
  ),
  dangerous('NEWOBJ makes a process', 'promptfoo modelaudit PR 587', 'subprocess Popen', () =>
    join(proto(2), global('subprocess', 'Popen'), longText('echo'), tuple1, '\x81.'),
  ),
  dangerous('NEWOBJ_EX makes a process', 'promptfoo modelaudit PR 587', 'subprocess Popen', () =>
    join(proto(4), global('subprocess', 'Popen'), longText('echo'), tuple1, '}\x92.'),
  ),
  dangerous(
    'BUILD sets attributes of an imported function, which later imports read',
    'modelscan issue 85',
    'import-changed',
    () =>
      join(
        proto(5),
        global('numpy', 'log1p'),
        none,
        '}',
        longText('a'),
        longText('os'),
        's',
        tuple2,
        build,
        pop,
        stop.replace('.', 'N.'),
      ),
  ),
  dangerous('BUILD changes a class for all that comes after', 'Art of Hide and Seek', 'import-changed', () =>
    join(proto(2), global('collections', 'OrderedDict'), '}', longText('__reduce__'), none, 's', build, stop),
  ),
  dangerous(
    'SETITEM on sys.modules gives a name another meaning',
    'picklescan, sys module override',
    'sys modules',
    () => join(proto(2), global('sys', 'modules'), longText('torch'), none, 's', stop),
  ),
  dangerous('APPENDS on sys.path', 'fickling, import manipulation', 'sys path', () =>
    join(proto(2), global('sys', 'path'), mark, longText('/srv/models'), 'e', stop),
  ),
  dangerous('APPEND on something imported', 'promptfoo modelaudit PR 1061, protocol dispatch', 'import-changed', () =>
    join(proto(2), global('collections', 'deque'), none, 'a', stop),
  ),
  dangerous('memo filled by BINPUT while the scanner counts MEMOIZE', 'picklescan issue 14', 'os system', () =>
    join(
      proto(4),
      longText('os'),
      'q\x00',
      longText('system'),
      'q\x01',
      text('torch._utils'),
      memoize,
      text('_rebuild_tensor_v2'),
      memoize,
      'h\x00h\x01\x93',
      echo,
      stop,
    ),
  ),
  dangerous('memo entries put out of order', 'picklescan issue 22, imaginaryCTF', 'os system', () =>
    join('Vos\np2\n0Vsystem\np3\n0Vtorch\np0\n0VLongStorage\np1\n0g2\ng3\n\x93(Vecho\ntR.'),
  ),
  dangerous('memo entry that is the result of a GET', 'bypass report on memo desynchronisation', 'posix system', () =>
    join(
      proto(4),
      text('posix'),
      put(0),
      pop,
      text('x'),
      get(0),
      put(7),
      pop,
      pop,
      get(7),
      text('system'),
      '\x93',
      echo,
      stop,
    ),
  ),
  dangerous(
    'operands of STACK_GLOBAL at the very beginning',
    'picklescan CVE-2025-71325, GHSA-9gvj-pp9x-gcfr; modelscan',
    'os system',
    () => join(text('os'), text('system'), '\x93', echo, stop),
  ),
  dangerous('a memo index beyond any honest one', 'doyensec, r2pickledec', 'os system', () =>
    join(proto(4), text('os'), put(0xfffffff0), pop, get(0xfffffff0), text('system'), '\x93', echo, stop),
  ),
  dangerous('memo indexes in odd digits', 'parser differential: int() takes more than digits', 'os system', () =>
    join('Vos\np 1_0 \n0g+10\nVsystem\n\x93Vecho\n\x85R.'),
  ),
  dangerous('a name overwritten in the memo', 'picklescan issue 22', 'os system', () =>
    join(
      proto(4),
      text('collections'),
      put(0),
      pop,
      text('os'),
      put(0),
      pop,
      get(0),
      text('system'),
      '\x93',
      echo,
      stop,
    ),
  ),
  dangerous('the name of an import is the result of a call', 'picklescan issue 66', 'unresolvable-import', () =>
    join(proto(4), call('builtins', 'str', 'os'), text('system'), '\x93', echo, stop),
  ),
  dangerous('what a call returned is called', 'picklescan CVE-2025-71320', 'unknown-callee', () =>
    join(proto(4), call('operator', 'methodcaller', 'system'), call('pydoc', 'locate', 'os'), tuple1, reduce, stop),
  ),
  dangerous(
    'attribute of an import by getattr',
    'Sour Pickles; picklescan issue 66',
    'datetime datetime.__class__',
    () =>
      join(
        proto(4),
        global('builtins', 'getattr'),
        global('datetime', 'datetime'),
        longText('__class__'),
        tuple2,
        reduce,
        stop,
      ),
  ),
  dangerous('getattr of a name that is computed', 'picklescan issue 66', 'builtins getattr', () =>
    join(
      proto(4),
      global('builtins', 'getattr'),
      global('zoneinfo', 'ZoneInfo'),
      call('builtins', 'str', '_unpickle'),
      tuple2,
      reduce,
      stop,
    ),
  ),
  dangerous('getattr resolved once and passed on once', 'picklescan issue 66', 'builtins getattr', () =>
    join(
      proto(4),
      global('builtins', 'getattr'),
      put(0),
      global('zoneinfo', 'ZoneInfo'),
      longText('_unpickle'),
      tuple2,
      reduce,
      get(0),
      tuple2,
      stop,
    ),
  ),
  dangerous('the result is taken off the stack', 'fickling, calls that vanish on POP', 'os system', () =>
    join(proto(4), stackGlobal('os', 'system'), echo, pop, none, stop),
  ),
  dangerous('the result is dropped by POP_MARK', 'fickling, calls that vanish', 'os system', () =>
    join(proto(4), mark, stackGlobal('os', 'system'), echo, '1N.'),
  ),
  dangerous('DUP of the callee', 'picklescan, operands looked for backwards', 'os system', () =>
    join(proto(4), stackGlobal('os', 'system'), '2', echo, pop, echo, stop),
  ),
  dangerous('junk between the operands', 'picklescan, operands looked for backwards', 'os system', () =>
    join(
      proto(4),
      text('os'),
      text('collections'),
      text('OrderedDict'),
      pop,
      pop,
      none,
      pop,
      text('system'),
      '\x93',
      echo,
      stop,
    ),
  ),
  dangerous(
    'the stream breaks after the payload',
    'nullifAI (ReversingLabs 2025)',
    'posix system',
    () => join(proto(4), stackGlobal('posix', 'system'), echo, 'torn off'),
    'broken',
  ),
  dangerous(
    'the stream ends without STOP',
    'nullifAI; fickling',
    'os system',
    () => join(proto(2), call('os', 'system', 'echo')),
    'broken',
  ),
  dangerous(
    'bytes that are no opcode follow',
    'picklescan, invalid bytes',
    'os system',
    () => join(proto(4), stackGlobal('os', 'system'), echo, '\xff\xff\xff'),
    'broken',
  ),
  dangerous(
    'an exception after the payload stops every scanner that raises',
    'Art of Hide and Seek, exception-oriented programming',
    'os system',
    () => join(proto(4), stackGlobal('os', 'system'), echo, get(999), stop),
    'broken',
  ),
  dangerous(
    'an empty stack before the payload',
    'Art of Hide and Seek, exception-oriented programming',
    'os system',
    () => join(proto(4), 'N0', stackGlobal('os', 'system'), echo, '000.'),
    'broken',
  ),
  dangerous(
    'a protocol that nobody knows after the payload',
    'Art of Hide and Seek, exception-oriented programming',
    'os system',
    () => join(proto(4), stackGlobal('os', 'system'), echo, proto(0xff), stop),
    'broken',
  ),
  dangerous(
    'a number that is none before the payload',
    'parser differential',
    'os system',
    () => join(proto(2), 'Ione\n0', call('os', 'system', 'echo'), stop),
    'broken',
  ),
  dangerous(
    'a number in odd digits before the payload',
    'parser differential: hexadecimal INT',
    'os system',
    () => join(proto(2), 'I0x1F\n0L12L\n0F1e3\n0', call('os', 'system', 'echo'), stop),
    'complete',
  ),
  dangerous(
    'a text of protocol 0 without its quote',
    'parser differential',
    'os system',
    () => join("cos\nsystem\n(S'echo'\ntRS'\n."),
    'broken',
  ),
  dangerous(
    'a frame that is longer than the stream',
    'parser differential: C and Python differ on frames',
    'os system',
    () => join(proto(4), frame(1 << 30), stackGlobal('os', 'system'), echo, stop),
  ),
  dangerous(
    'a frame that is shorter than the opcode in it',
    'parser differential: C and Python differ on frames',
    'os system',
    () => join(proto(4), frame(2), stackGlobal('os', 'system'), echo, stop),
  ),
  dangerous('the second of two pickles', 'fickling, stacked pickles', 'os system', () =>
    join(honest, callingPickle('os', 'system')),
  ),
  dangerous('the hundredth of many pickles', 'promptfoo modelaudit PR 587, multi-stream', 'os system', () =>
    join(...Array.from({ length: 100 }, () => honest), callingPickle('os', 'system')),
  ),
  dangerous('bytes between two pickles', 'fickling, polyglots', 'os system', () =>
    join(honest, Buffer.alloc(100, 0xee), callingPickle('os', 'system')),
  ),
  dangerous('behind the header of a picture', 'fickling, polyglots', 'os system', () =>
    join('\x89PNG\r\n\x1a\n', Buffer.alloc(64, 1), callingPickle('os', 'system')),
  ),
  dangerous('behind a decoy that claims all that follows', 'fickling, polyglots', 'os system', () =>
    join('\x89PNG', proto(4), '\x8e', Buffer.from([0, 0, 0, 0, 1, 0, 0, 0]), callingPickle('os', 'system')),
  ),
  dangerous(
    'the magic number of torch’s first format is computed',
    'picklescan, PyTorch magic bypass',
    'builtins eval',
    () => join(proto(2), call('__builtin__', 'eval', '119547037146038801333356'), stop, honest, honest),
  ),
  dangerous('in the fourth pickle of torch’s first format', 'HiddenLayer, Sleepy Pickle', 'os system', () =>
    join(
      proto(2),
      '\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.',
      proto(2),
      'M\xe9\x03.',
      proto(2),
      '}.',
      callingPickle('os', 'system'),
      honest,
    ),
  ),
  dangerous('an unmarked pickle of protocol 0 behind another', 'fickling, stacked pickles', 'os system', () =>
    join(honest, "cos\nsystem\n(S'echo'\ntR."),
  ),
  dangerous('a module of Python 2 that moved', 'picklescan, commands', 'subprocess getoutput', () =>
    join(proto(2), call('commands', 'getoutput', 'echo'), stop),
  ),
  dangerous(
    'the protocol is lowered halfway, and names move',
    'parser differential: fix_imports',
    'subprocess getoutput',
    () => join(proto(4), none, pop, proto(2), call('commands', 'getoutput', 'echo'), stop),
  ),
  dangerous('reduce of Python 2', 'picklescan, functools', 'functools reduce', () =>
    join(call('__builtin__', 'reduce', 'echo'), stop),
  ),
  dangerous(
    'a submodule of a dangerous module',
    'picklescan CVE-2025-10157 (JFrog)',
    'asyncio.unix_events _UnixSubprocessTransport',
    () => callingPickle('asyncio.unix_events', '_UnixSubprocessTransport'),
  ),
  dangerous(
    'a dangerous module as the attribute of an honest one',
    'picklescan, dotted names; saferpickle issue 18',
    'torch.serialization os.system',
    () => callingPickle('torch.serialization', 'os.system'),
  ),
  dangerous(
    'through the attributes of an honest class',
    'pickle jails of capture-the-flag contests',
    'collections OrderedDict.__init__.__globals__',
    () => callingPickle('collections', 'OrderedDict.__init__.__globals__'),
  ),
  dangerous('a name in escapes of \\u', 'doyensec, r2pickledec', 'os system', () =>
    join('V\\u006fs\nVsyst\\U00000065m\n\x93Vecho\n\x85R.'),
  ),
  dangerous('a name in escapes of \\x', 'doyensec, r2pickledec', 'os system', () =>
    join("S'\\x6fs'\nS'\\163ystem'\n\x93(S'echo'\ntR."),
  ),
  dangerous('a name with a length of eight bytes', 'doyensec, r2pickledec', 'os system', () =>
    join(proto(4), hugeText('os'), hugeText('system'), '\x93', echo, stop),
  ),
  dangerous('a name as bytes of Python 2', 'doyensec, r2pickledec', 'os system', () =>
    join('U\x02osU\x06system\x93Vecho\n\x85R.'),
  ),
  dangerous('a name that is too long to be kept', 'limits of scanners', 'unresolvable-import', () =>
    join(proto(4), longText('o'.repeat(5000)), text('system'), '\x93', echo, stop),
  ),
  dangerous('a code of the extension registry', 'copyreg documentation; fickling', 'extension-code', () =>
    join(proto(2), '\x82\x01', longText('echo'), tuple1, reduce, stop),
  ),
  dangerous('a persistent id is called', 'torch documentation of persistent_load', 'unknown-callee', () =>
    join(proto(2), longText('id'), 'Q', longText('echo'), tuple1, reduce, stop),
  ),
  dangerous('a pickle inside a pickle, given to loads', 'picklescan, nested pickles', '_pickle loads', () =>
    join(proto(4), stackGlobal('_pickle', 'loads'), bytes(payload()), tuple1, reduce, stop),
  ),
  dangerous('bytes of a tensor that are a pickle again', 'Art of Hide and Seek', 'torch.storage _load_from_bytes', () =>
    join(proto(4), stackGlobal('torch.storage', '_load_from_bytes'), bytes(payload()), tuple1, reduce, stop),
  ),
  dangerous('after megabytes of data', 'limits of scanners', 'os system', () =>
    join(proto(4), hugeBytes(Buffer.alloc(3 << 20, 0x2e)), pop, stackGlobal('os', 'system'), echo, stop),
  ),
  dangerous('after so many memo entries that none is kept', 'limits of scanners', 'os system', () =>
    join(proto(4), text('os'), Buffer.alloc(2_200_000, 0x94), text('system'), '\x93', echo, stop),
  ),
  dangerous(
    'an innocuous caller is handed the payload',
    'torch._tensor._rebuild_from_type_v2 in PickleBall',
    'os system',
    () =>
      join(
        proto(4),
        stackGlobal('torch._tensor', '_rebuild_from_type_v2'),
        mark,
        stackGlobal('os', 'system'),
        none,
        longText('echo'),
        tuple1,
        none,
        't',
        reduce,
        stop,
      ),
  ),
  {
    ...dangerous(
      'an innocuous caller is handed a class that may only be built',
      'PickleBall',
      'sklearn.pipeline Pipeline',
      () =>
        join(
          proto(4),
          stackGlobal('torch._tensor', '_rebuild_from_type_v2'),
          mark,
          stackGlobal('sklearn.pipeline', 'Pipeline'),
          none,
          ')',
          none,
          't',
          reduce,
          stop,
        ),
    ),
    verdict: 'suspicious',
  },
]

const ofContainers: readonly Technique[] = [
  dangerous(
    'a zip with a wrong checksum',
    'picklescan CVE-2025-10156 (JFrog)',
    'posix system',
    () => zipOf([{ name: 'model/data.pkl', data: payload(), crc: 1 }]),
    'broken',
  ),
  dangerous(
    'a zip entry that is marked as encrypted',
    'picklescan CVE-2025-1945 (Sonatype)',
    'zip-says-encrypted',
    () => zipOf([{ name: 'model/data.pkl', data: payload(), flags: 1 }]),
  ),
  dangerous('a zip with other bits of its flags set', 'picklescan CVE-2025-1945 (Sonatype)', 'posix system', () =>
    zipOf([{ name: 'model/data.pkl', data: payload(), flags: 0x20 }]),
  ),
  dangerous('a zip entry with two names', 'picklescan CVE-2025-1944 (Sonatype)', 'zip-names-differ', () =>
    zipOf([{ name: 'model/data.pkl', localName: 'model/date.pkl', data: payload() }]),
  ),
  dangerous('a zip entry with two methods', 'picklescan CVE-2025-1944, other fields', 'zip-methods-differ', () =>
    zipOf([{ name: 'model/data.pkl', data: payload(), localMethod: 8 }]),
  ),
  dangerous('a zip entry that the directory does not list', 'picklescan, central directory', 'zip-hidden-entry', () =>
    zipOf([
      { name: 'a.txt', data: Buffer.from('a') },
      { name: 'model/data.pkl', data: payload(), isDeflated: true, isHidden: true },
    ]),
  ),
  dangerous(
    'a zip without its directory',
    'picklescan, central directory',
    'posix system',
    () => {
      const whole = zipOf([{ name: 'model/data.pkl', data: payload(), isDeflated: true }])
      return whole.subarray(0, whole.indexOf(Buffer.from('PK\x01\x02', 'latin1')))
    },
    'broken',
  ),
  dangerous('a zip behind other bytes', 'zipfile reads from the end', 'posix system', () =>
    zipOf([{ name: 'model/data.pkl', data: payload(), isDeflated: true }], Buffer.from('GIF89a, and more')),
  ),
  dangerous('a zip behind a pickle', 'fickling, polyglots', 'os system', () =>
    zipOf([{ name: 'data.pkl', data: honest }], callingPickle('os', 'system')),
  ),
  dangerous('a pickle behind a zip', 'fickling, polyglots', 'os system', () =>
    join(zipOf([{ name: 'data.pkl', data: honest }]), callingPickle('os', 'system')),
  ),
  dangerous('a zip in a zip in a zip', 'picklescan, nested archives', 'posix system', () => {
    const inner = zipOf([{ name: 'data.pkl', data: payload(), isDeflated: true }])
    return zipOf([{ name: 'b', data: zipOf([{ name: 'a', data: inner }]), isDeflated: true }])
  }),
  dangerous('an entry whose name says nothing of pickles', 'picklescan CVE-2025-1889 (Sonatype)', 'posix system', () =>
    zipOf([
      { name: 'model/data.pkl', data: honest },
      { name: 'model/config.p', data: payload() },
    ]),
  ),
  dangerous('an array of objects', 'numpy documentation of allow_pickle', 'posix system', () => npyOf(payload())),
  dangerous('an array of objects in a npz', 'numpy documentation of allow_pickle', 'posix system', () =>
    zipOf([{ name: 'a.npy', data: npyOf(payload()), isDeflated: true }]),
  ),
  dangerous('an array of numbers that is a pickle all the same', 'limits of headers', 'posix system', () => {
    const array = npyOf(payload())
    array.write('<f8', array.indexOf("'|O'") + 1)
    return array
  }),
  dangerous('joblib, compressed by zlib', 'joblib documentation', 'posix system', () => deflateSync(payload())),
  dangerous('joblib, compressed by gzip', 'joblib documentation', 'posix system', () => gzipSync(payload())),
  dangerous('gzip in gzip', 'picklescan, nested archives', 'posix system', () => gzipSync(gzipSync(payload()))),
  dangerous(
    'gzip that breaks off after the payload',
    'nullifAI, in gzip',
    'posix system',
    () => {
      const whole = gzipSync(
        join(payload(), Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7919) % 251))),
      )
      return whole.subarray(0, whole.length - 20)
    },
    'broken',
  ),
  dangerous('torch’s oldest format is a tar', 'torch.load documentation', 'posix system', () =>
    tarOf('pickle', payload()),
  ),
  dangerous('a tar whose first name is a pickle', 'fickling, polyglots', 'os system', () =>
    tarOf("cos\nsystem\n(S'echo'\ntR.", Buffer.from('nothing')),
  ),
  dangerous('a tar in gzip', 'picklescan, nested archives', 'posix system', () =>
    gzipSync(tarOf('model/data.bin', payload())),
  ),
  dangerous('joblib: objects in an array are a pickle of their own', 'joblib documentation', 'posix system', () =>
    join(wrapper, arrayState('O8', join('K\x01', tuple1)), payload(), stop),
  ),
  dangerous('joblib: a pickle behind an array', 'joblib documentation', 'os system', () =>
    join(
      wrapper,
      arrayState('u1', join('K\x05', tuple1)),
      '\x00\x01\x02\x03\x04\x05',
      pop,
      stackGlobal('os', 'system'),
      echo,
      stop,
    ),
  ),
  dangerous(
    'joblib: the bytes of an array are opcodes for pickle.load',
    'two loaders of one format',
    'os system',
    () => {
      const hidden = join(stackGlobal('os', 'system'), echo, stop)
      return join(
        wrapper,
        arrayState('u1', join('K', Buffer.from([hidden.length]), tuple1)),
        'N',
        Buffer.alloc(0x4e, 0x4e),
        hidden,
        stop,
      )
    },
  ),
]

describe('MAL-8: gadgets that public reports name are found', () => {
  it.each(gadgets)('$module $name is $verdict ($source)', async ({ module, name, verdict }) => {
    for (const sample of [
      callingPickle(module, name),
      join(call(module, name, 'echo'), stop),
      zipOf([{ name: 'archive/data.pkl', data: callingPickle(module, name), isDeflated: true }]),
    ]) {
      expect(await scan(sample)).toMatchObject({ verdict, state: 'complete' })
    }
  })
})

describe.each([
  { group: 'MAL-8: ways to hide in a stream', techniques: ofStreams },
  { group: 'MAL-9: ways to hide in a container', techniques: ofContainers },
])('$group', ({ techniques }) => {
  it.each(techniques)('$name ($source)', async ({ build: sample, names, verdict, state }) => {
    const found = await scan(sample())
    const said = [
      ...found.imports.filter((one) => one.verdict !== 'innocuous').map(({ module, name }) => `${module} ${name}`),
      ...found.findings.map(({ structure }) => structure),
    ]
    expect(said).toContain(names)
    expect(found.verdict).toBe(verdict)
    if (state !== undefined) expect(found.state).toBe(state)
  })
})

describe('MAL-9, MAL-11: what is not read is never ok', () => {
  it.each([
    ['rar', 'partly', Buffer.from('Rar!\x1a\x07\x01\x00')],
    ['xz with unknown filters', 'partly', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4])],
    ['7z without its header', 'broken', Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4])],
    ['bzip2 without data', 'broken', Buffer.from('BZh91AY&SY')],
    ['lz4 without data', 'broken', Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x64])],
  ])('%s says that it was not read', async (_name, state, start) => {
    expect(await scan(Buffer.concat([start, Buffer.alloc(2000, 7)]))).toMatchObject({ state })
  })

  it('containers that lie too deep in each other', async () => {
    let sample = payload()
    for (let depth = 0; depth < 9; depth++) sample = zipOf([{ name: 'a', data: sample, isDeflated: true }])
    expect(await scan(sample)).toMatchObject({ state: 'partly' })
  })

  it('an array of joblib that does not say how long it is', async () => {
    expect(await scan(join(wrapper, arrayState('q?', join(none)), stop))).toMatchObject({ state: 'partly' })
  })
})

it('the corpus has at least 60 distinct techniques', () => {
  const names = [
    ...gadgets.map(({ module, name }) => `${module}.${name}`),
    ...[...ofStreams, ...ofContainers].map(({ name }) => name),
  ]
  expect(new Set(names).size).toBe(names.length)
  expect(ofStreams.length + ofContainers.length).toBeGreaterThanOrEqual(60)
})
