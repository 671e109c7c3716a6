/**
 * What git says about refs at the beginning of every clone, fetch and push, said without a process: starting one stops the event loop for
 * milliseconds and doubles what a small fetch costs. What git can do (its capabilities) is learnt once, from git itself; anything unusual
 * answers null, and git is asked.
 */
import { type GitStore, repositoryFolder } from './git-store.ts'
import { lookUp, readObjectInfos } from './objects.ts'
import { flushPacket, packet } from './pkt-line.ts'
import { type RefFile, type RefFiles, readRefFiles } from './ref-files.ts'
import { runGit } from './run.ts'

interface Learnt {
  /** The whole version 2 advertisement of `upload-pack`: it is the same for every repository. */
  fetchAdvertisement: Promise<Buffer> | null
  /** The capabilities of `receive-pack`, as they stand behind the first ref. */
  pushCapabilities: Promise<string> | null
}

const learnt = new WeakMap<GitStore, Learnt>()
/** `transfer.hideRefs` in our git configuration. */
const hidden = 'refs/holdfast/'
const mostToPeel = 500

/** The capabilities for `Git-Protocol: version=2`. */
export async function fetchAdvertisement(store: GitStore, repo: string): Promise<Buffer> {
  const known = learntBy(store)
  known.fetchAdvertisement ??= runGit(
    store,
    ['upload-pack', '--stateless-rpc', '--http-backend-info-refs', repositoryFolder(store, repo)],
    { environment: { GIT_PROTOCOL: 'version=2' } },
  ).then(({ stdout }) => stdout)
  return await known.fetchAdvertisement.catch((error: unknown) => {
    known.fetchAdvertisement = null
    throw error
  })
}

/** What `receive-pack` advertises after its service line. */
export async function pushAdvertisement(store: GitStore, repo: string): Promise<Buffer | null> {
  const files = await readRefFiles(repositoryFolder(store, repo))
  if (files === null) return null
  const capabilities = await pushCapabilities(store, repo)
  const shown = files.refs.filter(isShown).map(({ oid, ref }) => `${oid} ${ref}`)
  const [first = `${'0'.repeat(40)} capabilities^{}`, ...rest] = shown
  const lines = [`${first}\0${capabilities}\n`, ...rest.map((line) => `${line}\n`)]
  return Buffer.concat([...lines.map(packet), Buffer.from(flushPacket)])
}

async function pushCapabilities(store: GitStore, repo: string): Promise<string> {
  const known = learntBy(store)
  known.pushCapabilities ??= runGit(store, [
    'receive-pack',
    '--stateless-rpc',
    '--http-backend-info-refs',
    repositoryFolder(store, repo),
  ]).then(({ stdout }) => {
    const [first = ''] = stdout.toString('latin1').split('\n', 1)
    return first.slice(first.indexOf('\0') + 1)
  })
  return await known.pushCapabilities.catch((error: unknown) => {
    known.pushCapabilities = null
    throw error
  })
}

/** The answer to a whole `ls-refs` request of version 2. */
export async function listRefsAnswer(store: GitStore, repo: string, request: Buffer): Promise<Buffer | null> {
  const asked = parseListRefs(request)
  const files = asked === null ? null : await readRefFiles(repositoryFolder(store, repo))
  if (asked === null || files === null) return null
  const isWanted = (ref: string): boolean =>
    asked.prefixes.length === 0 || asked.prefixes.some((prefix) => ref.startsWith(prefix))
  const wanted = files.refs.filter((entry) => isShown(entry) && isWanted(entry.ref))
  const peeled = asked.isPeeling ? await peel(store, repo, wanted) : new Map<string, string>()
  if (peeled === null) return null
  const lines = isWanted('HEAD') ? headLine(files, asked) : []
  for (const { ref, oid } of wanted) {
    const target = peeled.get(ref)
    lines.push(`${oid} ${ref}${target === undefined ? '' : ` peeled:${target}`}\n`)
  }
  return Buffer.concat([...lines.map(packet), Buffer.from(flushPacket)])
}

interface ListRefs {
  readonly isPeeling: boolean
  readonly hasSymrefs: boolean
  readonly hasUnborn: boolean
  readonly prefixes: readonly string[]
}

/** Null for anything but an `ls-refs` with the arguments that are known here. */
function parseListRefs(request: Buffer): ListRefs | null {
  const lines: string[] = []
  let at = 0
  for (;;) {
    const length = Number.parseInt(request.toString('latin1', at, at + 4), 16)
    // The delimiter between capabilities and arguments, and the end.
    if (length === 1) lines.push('')
    else if (length === 0) break
    else if (Number.isNaN(length) || length < 4 || at + length > request.length) return null
    else lines.push(request.toString('latin1', at + 4, at + length).replace(/\n$/, ''))
    at += Math.max(4, length)
  }
  const isWhole = at + 4 === request.length
  const delimiter = lines.indexOf('')
  if (lines[0] !== 'command=ls-refs' || !isWhole || delimiter === -1) return null
  const args = lines.slice(delimiter + 1)
  const isKnown = args.every((arg) => /^(peel|symrefs|unborn|ref-prefix [\x21-\x7e]+)$/.test(arg))
  const hasOddCapability = lines
    .slice(1, delimiter)
    .some((line) => !/^agent=|^object-format=sha1$|^session-id=/.test(line))
  if (!isKnown || hasOddCapability) return null
  return {
    isPeeling: args.includes('peel'),
    hasSymrefs: args.includes('symrefs'),
    hasUnborn: args.includes('unborn'),
    prefixes: args.filter((arg) => arg.startsWith('ref-prefix ')).map((arg) => arg.slice('ref-prefix '.length)),
  }
}

function headLine({ refs, head }: RefFiles, asked: ListRefs): string[] {
  const target = asked.hasSymrefs ? ` symref-target:${head}` : ''
  const found = refs.find(({ ref }) => ref === head)
  if (found !== undefined) return [`${found.oid} HEAD${target}\n`]
  return asked.hasUnborn ? [`unborn HEAD${target}\n`] : []
}

/** What annotated tags point at, by ref; null when too many would have to be asked for. */
async function peel(store: GitStore, repo: string, refs: readonly RefFile[]): Promise<Map<string, string> | null> {
  const peeled = new Map<string, string>()
  for (const { ref, peeled: target } of refs) if (target != null) peeled.set(ref, target)
  const unknown = refs.filter((entry) => entry.peeled === undefined)
  if (unknown.length > mostToPeel) return null
  const infos = await readObjectInfos(
    store,
    repo,
    unknown.map(({ oid }) => oid),
  )
  if (infos.includes(null)) return null
  const tags = unknown.filter((_, index) => infos[index]?.type === 'tag')
  const targets = await lookUp(
    store,
    repo,
    tags.map(({ oid }) => `${oid}^{}`),
  )
  for (const [index, { ref }] of tags.entries()) {
    const target = targets[index]
    if (target == null) return null
    peeled.set(ref, target.oid)
  }
  return peeled
}

function isShown({ ref }: RefFile): boolean {
  return !ref.startsWith(hidden)
}

function learntBy(store: GitStore): Learnt {
  let known = learnt.get(store)
  if (known === undefined) {
    known = { fetchAdvertisement: null, pushCapabilities: null }
    learnt.set(store, known)
  }
  return known
}
