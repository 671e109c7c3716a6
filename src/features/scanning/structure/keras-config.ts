/**
 * What the configuration of a Keras model makes its loader do: it is JSON that names classes and functions, and loading imports and calls them. A Lambda
 * layer carries Python code; other names lead out of Keras, or to parts of it that fetch, load or switch safety off.
 */
import type { Buffer } from 'node:buffer'
import { isDangerousName } from '../pickle/imports.ts'
import type { StructureFinding } from './finding.ts'

/** Whose layers are code that was installed on purpose, not code of the file. */
const packages = ['keras', 'keras_core', 'keras_cv', 'keras_hub', 'keras_nlp', 'tf_keras', 'tensorflow']
/** Where Keras keeps what does not compute: functions of these have no place in a model. */
const notForModels =
  /^(keras|tf_keras|keras_core)\.(src\.)?(utils|saving|config|models|callbacks|datasets|preprocessing|export|legacy|backend|wrappers|distribution|testing|trainers)(\.|$)/
/** Of Keras itself: they fetch files, load whole models or pickles, or switch the safe mode off. */
const dangerous = new Set([
  'get_file',
  'load_model',
  'load_weights',
  'load_img',
  'save_model',
  'save_weights',
  'enable_unsafe_deserialization',
  'TorchModuleWrapper',
  'TFSMLayer',
  'deserialize_keras_object',
  'model_from_json',
  'model_from_config',
])
/** What Keras 3 writes for values of Python; `__lambda__` is not among them. */
const plainValues =
  /^(function|int|float|str|bool|list|tuple|dict|set|NoneType|__(tuple|numpy|tensor|keras_tensor|bytes|ellipsis|slice|typespec|dict|array)__)$/
const readsVocabulary = /^(StringLookup|IntegerLookup|IndexLookup|TextVectorization)$/
const mostValues = 2_000_000

type Entries = Readonly<Record<string, unknown>>

/** Null where the text is no configuration of Keras, or nothing in it runs code. */
export function kerasFinding(text: string): StructureFinding | null {
  const value = parsePythonJson(text)
  if (value === undefined) return null
  return checkKeras(value)
}

/** Whether a parsed text is what Keras writes for a model or layer. */
export function isKerasConfig(value: unknown): value is Entries {
  return isEntries(value) && typeof value.class_name === 'string' && 'config' in value
}

/** A configuration of Keras, or those that lie in something else: Keras looks for them in lists and in whatever has no class itself. */
export function findKerasConfigs(value: unknown): readonly Entries[] {
  const found: Entries[] = []
  const left: unknown[] = [value]
  for (let seen = 0; left.length > 0 && seen <= mostValues; seen++) {
    const one = left.pop()
    if (isKerasConfig(one)) found.push(one)
    else if (Array.isArray(one)) for (const item of one) left.push(item)
    else if (isEntries(one)) for (const item of Object.values(one)) left.push(item)
  }
  return found
}

/** The worst that is found in the configuration and all that lies in it. */
export function checkKeras(value: unknown): StructureFinding | null {
  let worst: StructureFinding | null = null
  const left: unknown[] = [value]
  for (let seen = 0; left.length > 0; seen++) {
    if (seen > mostValues) return worst ?? found('suspicious', 'its configuration is longer than is read')
    const one = left.pop()
    if (Array.isArray(one)) for (const item of one) left.push(item)
    else if (isEntries(one)) {
      const finding = checkObject(one)
      if (finding?.level === 'unsafe') return finding
      worst ??= finding
      for (const item of Object.values(one)) left.push(item)
    }
  }
  return worst
}

/** JSON as Python's json.loads reads bytes: UTF-8, UTF-16 or UTF-32, with a mark or without. Undefined where it is none. */
export function parsePythonBytes(bytes: Buffer): unknown {
  return parsePythonJson(decodeAsPython(bytes))
}

function decodeAsPython(bytes: Buffer): string {
  const [a, b, c, d] = [bytes[0] ?? -1, bytes[1] ?? -1, bytes[2] ?? -1, bytes[3] ?? -1]
  if (a === 0xef && b === 0xbb && c === 0xbf) return bytes.toString('utf8', 3)
  if ((a === 0xff && b === 0xfe && c === 0 && d === 0) || (a > 0 && b === 0 && c === 0 && d === 0))
    return utf32(bytes, false)
  if (a === 0 && b === 0 && ((c === 0xfe && d === 0xff) || (c === 0 && d > 0))) return utf32(bytes, true)
  if ((a === 0xff && b === 0xfe) || (a > 0 && b === 0)) return new TextDecoder('utf-16le').decode(bytes)
  if ((a === 0xfe && b === 0xff) || (a === 0 && b > 0)) return new TextDecoder('utf-16be').decode(bytes)
  return bytes.toString('utf8')
}

function utf32(bytes: Buffer, isBig: boolean): string {
  const parts: string[] = []
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const point = isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
    if (point > 0x10ffff) return ''
    if (point !== 0xfeff || at > 0) parts.push(String.fromCodePoint(point))
  }
  return parts.join('')
}

/** JSON as Python reads it: NaN and infinities are numbers there. Undefined where it is none. */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The one difference that writers of models make.
  }
  try {
    return JSON.parse(
      text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs, (token) =>
        token.startsWith('"') ? token : '0',
      ),
    )
  } catch {
    return undefined
  }
}

function checkObject(object: Entries): StructureFinding | null {
  const { class_name: className, module, registered_name: registered, config } = object
  if (typeof className !== 'string') return null
  if (className === '__lambda__') return found('unsafe', 'it carries the code of a lambda function')
  const name = className === 'function' && typeof config === 'string' ? config : className
  if (/^(.*>)?Lambda$/.test(className) && isEntries(config)) return checkLambda(config)
  if (dangerous.has(name)) return found('unsafe', `it names ${shown(module)}${name}, which has no place in a model`)
  if (typeof module === 'string') {
    const finding = checkModule(module, name, className)
    if (finding !== null) return finding
  }
  const registration = typeof registered === 'string' && registered.includes('>') ? registered : className
  const owner = /^(.+?)>/.exec(registration)?.[1]
  if (owner !== undefined && !packages.includes(owner))
    return found('suspicious', `it needs code that Keras does not have: ${short(registration)}`)
  if (readsVocabulary.test(className) && isEntries(config) && typeof config.vocabulary === 'string')
    return found(
      'suspicious',
      `its layer ${className} reads the file ${JSON.stringify(config.vocabulary.slice(0, 200))}`,
    )
  return null
}

function checkLambda(config: Entries): StructureFinding {
  const { function: code, function_type: type } = config
  const isCode = Array.isArray(code) || type === 'lambda' || (isEntries(code) && code.class_name === '__lambda__')
  return isCode
    ? found('unsafe', 'it has a Lambda layer with the code of a function')
    : found('suspicious', 'it has a Lambda layer, which calls a function by its name')
}

function checkModule(module: string, name: string, className: string): StructureFinding | null {
  const [root = ''] = module.split('.')
  if (packages.includes(root)) {
    if (className !== 'function' || !notForModels.test(module)) return null
    return found('suspicious', `it names the function ${short(`${module}.${name}`)}, which has no place in a model`)
  }
  if (module === 'builtins' && plainValues.test(className)) {
    if (className !== 'function') return null
    return found('suspicious', `it needs a function that Keras does not have: ${short(name)}`)
  }
  const what = `it makes its loader import ${short(`${module}.${name}`)}`
  return found(isDangerousName(module, name) ? 'unsafe' : 'suspicious', what)
}

function isEntries(value: unknown): value is Entries {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function found(level: StructureFinding['level'], message: string): StructureFinding {
  return { level, message: `Keras: ${message}` }
}

function shown(module: unknown): string {
  return typeof module === 'string' ? `${short(module)}.` : ''
}

function short(text: string): string {
  return text.slice(0, 200)
}
