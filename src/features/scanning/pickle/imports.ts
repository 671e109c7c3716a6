/**
 * The verdict on an import. By default it is suspicious: only what a list of a framework names is innocuous, and what is known to run code, to
 * load code or to reach out is dangerous.
 */
import { classRules, innocuousNames } from './allow-lists.ts'
import { dangerousAnywhere, dangerousModules, dangerousNames, dangerousParts } from './dangerous-names.ts'
import type { FoundImport, Use } from './import-table.ts'
import type { Verdict } from './verdict.ts'

export interface JudgedImport {
  /** Null where the pickle does not say: computed, forgotten, or left to the process that loads it. */
  readonly module: string | null
  readonly name: string | null
  readonly verdict: Verdict
  readonly how: Use
  /** The framework whose list names it; null where none does. */
  readonly framework: string | null
}

export function judgeImport(found: Pick<FoundImport, 'module' | 'name' | 'how' | 'isResolved'>): JudgedImport {
  const { module, name, how } = found
  if (module === null || name === null) return { module, name, verdict: 'dangerous', how, framework: null }
  if (found.isResolved === true) return { module, name, verdict: 'innocuous', how, framework: 'python' }
  const framework = allowedBy(module, name, how)
  if (framework !== null) return { module, name, verdict: 'innocuous', how, framework }
  return { module, name, verdict: isDangerousName(module, name) ? 'dangerous' : 'suspicious', how, framework: null }
}

function allowedBy(module: string, name: string, how: Use): string | null {
  const listed = innocuousNames.get(module)?.get(name)
  if (listed !== undefined) return listed
  if (how === 'called') return null
  const rule = classRules.find(
    ({ modules, not }) => modules.test(module) && className.test(name) && !(not?.test(`${module}.${name}`) ?? false),
  )
  return rule?.framework ?? null
}

/** A class by the custom of Python: never a path, never a function. */
const className = /^_?[A-Z][A-Za-z0-9]*$/

/**
 * Whether a list names it as dangerous, in itself or by the module, class or attribute it is reached through: also where the name begins with a
 * module that the first one has imported (`acme.net`, `torch.hub.load`), which the unpickler follows attribute by attribute.
 */
export function isDangerousName(module: string, name: string): boolean {
  if (isDangerousPath(module, name)) return true
  const parts = name.split('.')
  return parts.slice(1).some((_, at) => isDangerousPath(parts.slice(at, -1).join('.'), parts.at(-1) ?? ''))
}

function isDangerousPath(module: string, name: string): boolean {
  if (innocuousNames.get(module)?.has(name)) return false
  const path = `${module}.${name}`.split('.')
  const [root] = path
  if (root !== undefined && dangerousModules.has(root)) return true
  let prefix = root ?? ''
  for (const part of path.slice(1)) {
    prefix = `${prefix}.${part}`
    if (dangerousModules.has(prefix)) return true
  }
  if (dangerousNames.get(module)?.has(name)) return true
  return path.slice(1).some((part) => dangerousParts.has(part)) || dangerousAnywhere.has(path.at(-1) ?? '')
}

const plainName = /^[\p{ID_Start}_][\p{ID_Continue}]*(\.[\p{ID_Start}_][\p{ID_Continue}]*)*$/u

/** Whether a text could be the name of a module or attribute that somebody wrote. */
export function isPlainName(text: string): boolean {
  return plainName.test(text)
}
