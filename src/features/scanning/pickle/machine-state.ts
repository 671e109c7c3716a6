import { Buffer } from 'node:buffer'
import { type ArrayState, arrayState, type ElementType, isArrayWrapper } from './array-state.ts'
import { usesOfArguments } from './callers.ts'
import { Heap } from './heap.ts'
import { ImportTable, type Use } from './import-table.ts'
import { uint32 } from './little-endian.ts'
import { Memo } from './memo.ts'
import { op } from './opcodes.ts'
import { decodeString, decodeUnicode, isFloatText, isIntegerText, parseIndex } from './python-texts.ts'
import { fixImport } from './python2-names.ts'
import { Stack } from './stack.ts'
import { type Finding, type Structure, structures } from './structure.ts'
import { Texts } from './texts.ts'
import * as v from './values.ts'

const longestName = 1024
const mostElementTypes = 60_000

/** The unpickler's state, abstract, and what each opcode does to it. `at` is where the opcode lies that is being run. */
export class MachineState {
  at = 0
  /** As the last PROTO says; what comes without one is read as protocol 0. */
  protocol = 0
  /** The first thing that Python would refuse. */
  broken: { readonly reason: string; readonly at: number } | null = null
  /** What keeps the reading from being whole though Python would go on. */
  partly: string | null = null
  /** An array of joblib begins after this opcode. */
  array: ArrayState | null = null
  /** From the first array wrapper on, shapes and element types are kept. */
  awaitsArrays = false
  readonly imports = new ImportTable()
  readonly findings = new Map<string, Finding>()
  readonly memo: Memo
  readonly #texts = new Texts()
  readonly stack = new Stack((reason) => this.breakAt(reason))
  readonly #heap = new Heap()
  readonly #elements: ElementType[] = []
  readonly #wrappers = new Set<number>()
  #dtype = -1
  #stringType = -1
  #getattr = -1
  /** Copies of getattr on the stack, ever, against those that were called with an import and a text: equal, and it did nothing else. */
  #getattrCopies = 0
  #getattrCalls = 0

  constructor() {
    this.memo = new Memo((text) => this.#texts.isPinned(text))
  }

  breakAt(reason: string): void {
    this.broken ??= { reason, at: this.at }
  }

  push(value: number): void {
    this.stack.push(value)
  }

  top(): number {
    return this.stack.top()
  }

  mark(): void {
    if (!this.stack.mark()) this.partly ??= 'it nests too deep'
  }

  stop(): void {
    this.stack.pop()
  }

  /** A text of at most longestText bytes, which are at hand. */
  pushText(bytes: Uint8Array, from: number, length: number): void {
    this.stack.push(this.#texts.add(bytes, from, length))
  }

  get(index: number): void {
    const value = this.memo.get(index)
    if (value === null) this.breakAt(`memo entry ${index} is not there`)
    if (this.#getattr >= 0) this.#countGetattr(value)
    this.push(value ?? v.unknown)
  }

  container(isDict: boolean): number {
    return isDict ? this.#heap.dict() : this.#heap.tuple([])
  }

  integer(bytes: Uint8Array, from: number, length: number): number {
    let value = 0
    for (let index = length - 1; index >= 0; index--) value = value * 256 + (bytes[from + index] ?? 0)
    return value > v.largestInteger || (length === 4 && value >= 2 ** 31) ? v.opaque : v.integerValue(value)
  }

  /** Texts, bytes and long integers whose bytes are at hand. */
  pushCounted(code: number, bytes: Uint8Array, from: number, length: number): void {
    switch (code) {
      case op.SHORT_BINUNICODE:
      case op.BINUNICODE:
      case op.BINUNICODE8:
      case op.SHORT_BINSTRING:
      case op.BINSTRING:
        this.push(this.#texts.add(bytes, from, length))
        return
      case op.LONG1:
      case op.LONG4:
        this.push(this.awaitsArrays && length <= 7 ? this.integer(bytes, from, length) : v.opaque)
        return
      default:
        this.push(v.opaque)
    }
  }

  runWithLines(code: number, bytes: Uint8Array, from: number, first: number, last: number): void {
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + from, first - from)
    switch (code) {
      case op.GLOBAL:
      case op.INST: {
        const name = Buffer.from(bytes.buffer, bytes.byteOffset + first + 1, last - first - 1)
        const isKept = line.length <= longestName && name.length <= longestName
        const value = isKept
          ? this.#import(line.toString('utf8'), name.toString('utf8'))
          : this.#unresolvable('a name is too long')
        this.#pushGlobal(code, value)
        return
      }
      case op.GET: {
        const index = parseIndex(line)
        if (index === null) {
          this.breakAt('a memo index is no number')
          this.push(v.unknown)
        } else this.get(index)
        return
      }
      case op.PUT: {
        const index = parseIndex(line)
        if (index === null) this.breakAt('a memo index is no number')
        else this.memo.put(index, this.top())
        return
      }
      case op.PERSID:
        this.push(v.unknown)
        return
      case op.STRING:
      case op.UNICODE: {
        const text = code === op.STRING ? decodeString(line) : decodeUnicode(line)
        if (text === null) this.breakAt('a text is not well-formed')
        this.push(text === null ? v.unknown : this.#texts.addString(text))
        return
      }
      case op.FLOAT:
        if (!isFloatText(line)) this.breakAt('a float is no number')
        this.push(v.opaque)
        return
      default: {
        if (!isIntegerText(line, code === op.INT)) this.breakAt('an integer is no number')
        const value = this.awaitsArrays ? Number(line.toString('latin1').replace(/L?\s*$/, '')) : Number.NaN
        this.push(
          Number.isSafeInteger(value) && value >= 0 && value <= v.largestInteger ? v.integerValue(value) : v.opaque,
        )
      }
    }
  }

  /** Lines that are too long to be looked at. */
  runWithLongLines(code: number): void {
    if (code === op.GLOBAL || code === op.INST) this.#pushGlobal(code, this.#unresolvable('a name is too long'))
    else if (code === op.GET) this.push(v.unknown)
    else if (code === op.STRING || code === op.UNICODE) this.push(v.forgotten)
    else if (code === op.PERSID) this.push(v.unknown)
    else if (code !== op.PUT) this.push(v.opaque)
    if (code === op.GET || code === op.PUT) this.breakAt('a memo index is no number')
  }

  #pushGlobal(code: number, value: number): void {
    if (code === op.INST) this.stack.dropToMark()
    this.push(code === op.GLOBAL ? value : this.#call(value, v.opaque, 'called'))
  }

  /** Every opcode without an argument, or with a fixed one, that the machine does not run by itself. */
  run(code: number, bytes: Uint8Array, argument: number): void {
    const stack = this.stack
    switch (code) {
      case op.SETITEMS: {
        if (!this.awaitsArrays) {
          stack.dropToMark()
          this.#change(stack.top(), 'sets items')
          return
        }
        const items = stack.toMark()
        const dict = stack.top()
        this.#change(dict, 'sets items')
        for (let index = 0; index + 1 < items.length; index += 2) this.#setItem(dict, items[index], items[index + 1])
        return
      }
      case op.APPENDS:
      case op.ADDITEMS:
        stack.dropToMark()
        this.#change(stack.top(), 'adds to it')
        return
      case op.EMPTY_TUPLE:
        stack.push(this.awaitsArrays ? this.container(false) : v.plainTuple)
        return
      case op.LONG_BINPUT:
        this.memo.put(uint32(bytes, argument), stack.top())
        return
      case op.LONG_BINGET:
        this.get(uint32(bytes, argument))
        return
      case op.PROTO:
        this.protocol = bytes[argument] ?? 0
        if (this.protocol > 5) this.breakAt(`protocol ${this.protocol} is not known`)
        return
      case op.POP:
        stack.popItemOrMark()
        return
      case op.POP_MARK:
        stack.dropToMark()
        return
      case op.DUP:
        stack.push(stack.top())
        this.#countGetattr(stack.top())
        return
      case op.TUPLE1:
        this.#tuple(1)
        return
      case op.TUPLE2:
        this.#tuple(2)
        return
      case op.TUPLE3:
        this.#tuple(3)
        return
      case op.TUPLE: {
        const items = stack.toMark()
        stack.push(this.#tupleOf(items, stack.popped))
        return
      }
      case op.LIST:
      case op.FROZENSET:
        stack.dropToMark()
        stack.push(v.opaque)
        return
      case op.DICT: {
        const items = stack.toMark()
        const dict = this.awaitsArrays ? this.#heap.dict() : v.opaque
        for (let index = 0; index + 1 < items.length; index += 2) this.#setItem(dict, items[index], items[index + 1])
        stack.push(dict)
        return
      }
      case op.APPEND:
        stack.pop()
        this.#change(stack.top(), 'appends to it')
        return
      case op.SETITEM: {
        const value = stack.pop()
        const key = stack.pop()
        this.#change(stack.top(), 'sets an item')
        this.#setItem(stack.top(), key, value)
        return
      }
      case op.STACK_GLOBAL: {
        const name = stack.pop()
        const module = stack.pop()
        stack.push(this.#stackGlobal(module, name))
        return
      }
      case op.REDUCE: {
        const given = stack.pop()
        stack.push(this.#call(stack.pop(), given, 'called'))
        return
      }
      case op.NEWOBJ: {
        const given = stack.pop()
        stack.push(this.#call(stack.pop(), given, 'built'))
        return
      }
      case op.NEWOBJ_EX: {
        stack.pop()
        const given = stack.pop()
        stack.push(this.#call(stack.pop(), given, 'built'))
        return
      }
      case op.OBJ: {
        const items = stack.toMark()
        const callee = items[0]
        if (callee === undefined) this.breakAt('there is nothing to make an object of')
        stack.push(this.#call(callee ?? v.unknown, v.opaque, 'called'))
        return
      }
      case op.BUILD: {
        const given = stack.pop()
        this.#build(stack.top(), given)
        return
      }
      case op.EXT1:
      case op.EXT2:
      case op.EXT4:
        this.#find('extension-code', 'a code of the extension registry')
        stack.push(v.importValue(this.imports.add(null, null, this.at, this.broken !== null)))
        return
      case op.BINPERSID:
        stack.push(this.#persistent(stack.pop()))
        return
      case op.READONLY_BUFFER:
        stack.top()
        return
    }
  }

  /** torch's first format keeps the classes of modules so, with their source beside them: ('module', class, file, source). */
  #persistent(id: number): number {
    const [kind, module] = this.#heap.items(id) ?? []
    const isModule = kind !== undefined && v.isText(kind) && this.#texts.read(kind) === 'module'
    return isModule && module !== undefined && v.isImport(module) ? module : v.unknown
  }

  #tuple(length: 1 | 2 | 3): void {
    const items: number[] = []
    for (let index = 0; index < length; index++) items.unshift(this.stack.pop())
    this.push(this.#tupleOf(items, length))
  }

  #tupleOf(items: readonly number[], length: number): number {
    const hasImport = items.some(v.isImport)
    if (length <= 9 && (hasImport || this.awaitsArrays)) return this.#heap.tuple(items)
    if (hasImport) return this.#heap.tuple(items.slice(0, 9))
    const first = items[0]
    return first !== undefined && v.isText(first) && length <= 4 ? v.namedTupleValue(first) : v.plainTuple
  }

  #setItem(target: number, key: number | undefined, value: number | undefined): void {
    if (!v.isHeap(target) || key === undefined || value === undefined || !v.isText(key)) return
    const name = this.#texts.read(key)
    if (name !== null) this.#heap.setItem(target, name, value)
  }

  #import(module: string, name: string): number {
    const [realModule, realName] = this.protocol < 3 ? fixImport(module, name) : [module, name]
    const index = this.imports.add(realModule, realName, this.at, this.broken !== null)
    if (realModule === 'numpy' && realName === 'dtype') this.#dtype = index
    if (realName === '_convert_to_stringdtype_kwargs') this.#stringType = index
    if (realModule === 'builtins' && realName === 'getattr') {
      this.#getattr = index
      this.#countGetattr(v.importValue(index))
    }
    if (isArrayWrapper(realModule, realName)) {
      this.awaitsArrays = true
      this.#wrappers.add(index)
    }
    return v.importValue(index)
  }

  #stackGlobal(module: number, name: number): number {
    const texts: string[] = []
    for (const part of [module, name]) {
      const text = v.isText(part) ? this.#texts.read(part) : null
      if (text !== null) {
        this.#texts.pin(part, text)
        texts.push(text)
      } else if (v.isData(part) || v.isImport(part)) {
        this.breakAt('the name of an import is no text')
        return v.unknown
      }
    }
    const [moduleText, nameText] = texts
    if (moduleText === undefined || nameText === undefined) {
      return this.#unresolvable(
        texts.length === 1 ? `beside the text ${JSON.stringify(moduleText)}` : 'both of its parts',
      )
    }
    return this.#import(moduleText, nameText)
  }

  #unresolvable(detail: string): number {
    this.#find('unresolvable-import', detail)
    return v.importValue(this.imports.add(null, null, this.at, this.broken !== null))
  }

  #call(callee: number, given: number, how: Use): number {
    if (v.isImport(callee)) {
      const index = v.importIndex(callee)
      const attribute = index === this.#getattr && how === 'called' ? this.#attribute(given) : null
      if (attribute !== null) return attribute
      this.imports.use(index, how)
      if (index === this.#dtype) return this.#elementType(given, index)
      // Texts of any length lie in such an array as objects do.
      if (index === this.#stringType) return this.#elementOf('O', index)
      this.#useArguments(index, given)
      return v.resultValue(index)
    }
    if (v.isData(callee) || v.isText(callee)) {
      this.breakAt('what is called is data')
      return v.unknown
    }
    const found = v.isResult(callee) ? this.imports.found[v.resultIndex(callee)] : undefined
    this.#find(
      'unknown-callee',
      found?.module ? `what ${found.module}.${found.name} returned` : 'nothing that the file names',
    )
    return v.resultOfUnknown
  }

  #countGetattr(value: number | null): void {
    if (value === null || !v.isImport(value) || v.importIndex(value) !== this.#getattr) return
    this.#getattrCopies++
    this.#settleGetattr()
  }

  #settleGetattr(): void {
    const found = this.imports.found[this.#getattr]
    if (found !== undefined) found.isResolved = this.#getattrCopies === this.#getattrCalls
  }

  /** getattr(X, 'name'), where X is an import: so methods of classes are pickled. It is the import of X.name then, judged as such. */
  #attribute(given: number): number | null {
    const items = this.#heap.items(given)
    const [owner, attribute] = items ?? []
    if (items?.length !== 2 || owner === undefined || attribute === undefined || !v.isImport(owner)) return null
    const found = this.imports.found[v.importIndex(owner)]
    const text = v.isText(attribute) ? this.#texts.read(attribute) : null
    if (!found || found.module === null || found.name === null || text === null) return null
    this.#getattrCalls++
    this.#settleGetattr()
    return v.importValue(this.imports.add(found.module, `${found.name}.${text}`, this.at, this.broken !== null))
  }

  #useArguments(index: number, given: number): void {
    const found = this.imports.found[index]
    const uses =
      found && found.module !== null && found.name !== null ? usesOfArguments(found.module, found.name) : null
    if (uses === null) return
    const items = this.#heap.items(given)
    // A tuple with an import in it is kept; what is no tuple, or no longer kept, may hold any.
    if (items === null && given !== v.plainTuple && !v.isNamedTuple(given)) this.imports.mayAllBeCalled = true
    for (const [place, use] of uses.entries()) {
      const item = items?.[place]
      if (use !== null && item !== undefined && v.isImport(item)) this.imports.use(v.importIndex(item), use)
    }
  }

  #elementType(given: number, index: number): number {
    const first = v.isNamedTuple(given) ? v.nameOfTuple(given) : this.#heap.items(given)?.[0]
    const code = first !== undefined && v.isText(first) ? this.#texts.read(first) : null
    return code === null || code.length > 32 ? v.resultValue(index) : this.#elementOf(code, index)
  }

  #elementOf(code: string, index: number): number {
    const known = code.startsWith('V') ? -1 : this.#elements.findIndex((element) => element.code === code)
    if (known >= 0) return v.elementValue(known)
    if (this.#elements.length >= mostElementTypes) return v.resultValue(index)
    return v.elementValue(this.#elements.push({ code, flags: null, hasState: false }) - 1)
  }

  #build(target: number, given: number): void {
    this.#change(target, 'sets its attributes')
    if (v.isElement(target)) {
      const element = this.#elements[v.elementIndex(target)]
      const flags = this.#heap.items(given)?.[7]
      if (element !== undefined) {
        element.hasState = true
        if (flags !== undefined && v.isInteger(flags)) element.flags = v.integerOf(flags)
      }
      return
    }
    if (!v.isResult(target)) return
    this.imports.use(v.resultIndex(target), 'built')
    if (this.#wrappers.has(v.resultIndex(target))) this.#beginArray(given)
  }

  #beginArray(given: number): void {
    const shapeItems = this.#heap.items(this.#heap.item(given, 'shape') ?? v.opaque)
    const shape = shapeItems?.every(v.isInteger) ? shapeItems.map(v.integerOf) : null
    const type = this.#heap.item(given, 'dtype') ?? v.opaque
    const alignment = this.#heap.item(given, 'numpy_array_alignment_bytes')
    const alignmentNumber = alignment === null ? null : v.isInteger(alignment) ? v.integerOf(alignment) : 'none'
    this.array = arrayState(
      shape,
      v.isElement(type) ? (this.#elements[v.elementIndex(type)] ?? null) : null,
      alignmentNumber,
    )
    if (this.array === null) {
      this.partly ??= 'an array of joblib does not say how long it is'
    }
  }

  /** An imported thing is changed: a class or module gets another meaning for all that comes later. */
  #change(target: number, how: string): void {
    if (v.isImport(target)) {
      const found = this.imports.found[v.importIndex(target)]
      this.imports.use(v.importIndex(target), 'built')
      this.#find('import-changed', found?.module ? `${found.module}.${found.name}: ${how}` : how)
    } else if (target === v.lost || target === v.resultOfUnknown) this.#find('import-changed', how)
  }

  #find(structure: Structure, detail: string): void {
    if (this.broken !== null) return
    const key = `${structure} ${detail}`
    if (this.findings.size < 100 && !this.findings.has(key)) {
      this.findings.set(key, { structure, verdict: structures[structure].verdict, detail, at: this.at })
    }
  }
}
