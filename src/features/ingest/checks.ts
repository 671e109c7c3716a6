/**
 * The judge's checks, in the order in which they speak: the same list for pushes and for API commits. Each sees what
 * it asks for (ref moves, entries, blobs, pointers) as it streams by, and names its faults. A new check is a new line.
 */
import { HoldfastError } from '../../domain/errors.ts'
import type { LfsPointer } from '../../domain/lfs-pointer.ts'
import { pathFault, refNameFault } from '../../domain/names.ts'
import type { Hub } from '../../hub.ts'
import type { RefMove } from '../../platform/git/refs.ts'
import { zeroOid } from '../../platform/git/safe-names.ts'
import { holdLinkedBlobs } from '../storage/service.ts'

/** A reason to refuse. Places are paths, or object ids where the path is not known yet; `error` gets the paths. */
export interface Fault {
  readonly places: readonly string[]
  error(paths: readonly string[]): HoldfastError
}

export interface Check {
  move?(move: RefMove): Fault | null
  /** A path, or one part of it; the mode as git writes it. */
  entry?(name: string, mode: string): Fault | null
  blob?(place: string, size: number): Fault | null
  pointer?(place: string, pointer: LfsPointer): Fault | null
  /** After everything has streamed by. */
  conclude?(): Promise<readonly Fault[]>
}

export interface CheckContext {
  readonly hub: Hub
  readonly repoId: string
  /** Collects the large files that the change names, for `markReferenced`. */
  readonly largeFiles: Map<string, { size: number; place: string }>
}

/** THE list. */
export function makeChecks(context: CheckContext): readonly Check[] {
  return [refNames(), entryNames(), entryModes(), regularFileSizes(context), largeFilesAreStored(context)]
}

/** Only branches and tags are pushed; other refs belong to the hub. The default branch stays. */
function refNames(): Check {
  return {
    move({ ref, newOid }) {
      const short = /^refs\/(?:heads|tags)\/(.+)$/s.exec(ref)?.[1]
      if (short === undefined) {
        return plain(
          new HoldfastError('invalid_ref_name', { ref, reason: 'only refs/heads/ and refs/tags/ take pushes' }),
        )
      }
      if (newOid === zeroOid) return ref === 'refs/heads/main' ? plain(new HoldfastError('cannot_delete_main')) : null
      const reason = refNameFault(short)
      return reason === null ? null : plain(new HoldfastError('invalid_ref_name', { ref, reason }))
    },
  }
}

function entryNames(): Check {
  return {
    entry(name) {
      const reason = pathFault(name)
      return reason === null ? null : plain(new HoldfastError('unsafe_path', { path: printable(name), reason }))
    },
  }
}

/** Files, executables, symbolic links (data here: the hub never follows one) and folders. Submodules would point at other servers. */
function entryModes(): Check {
  const known = new Set(['100644', '100755', '100664', '120000', '040000'])
  return {
    entry(name, mode) {
      if (known.has(mode)) return null
      const reason =
        mode === '160000' ? 'it is a submodule, which this hub does not take' : `it has the unknown mode ${mode}`
      return plain(new HoldfastError('unsafe_path', { path: printable(name), reason }))
    },
  }
}

function regularFileSizes({ hub }: CheckContext): Check {
  const limit = hub.config.maxRegularFile
  return {
    blob(place, size) {
      if (size <= limit) return null
      return {
        places: [place],
        error: ([path = place]) =>
          new HoldfastError('push_rejected', {
            reason:
              `The file "${printable(path)}" has ${inMebibytes(size)}; files over ${inMebibytes(limit)} are stored with Git LFS. ` +
              `Run: git lfs track "${printable(pattern(path))}", then git lfs migrate import --include="${printable(pattern(path))}" ` +
              'to move it out of the commits that you made, and push again.',
          }),
      }
    },
  }
}

const pointerBatch = 1_000
const pointerLimit = 500_000

/** Every pointer must lead to bytes that were uploaded to this repo, whole; their leases are renewed on the way. */
function largeFilesAreStored({ hub, repoId, largeFiles }: CheckContext): Check {
  return {
    pointer(place, { sha256, size }) {
      if (!largeFiles.has(sha256)) largeFiles.set(sha256, { size, place })
      if (largeFiles.size <= pointerLimit) return null
      return plain(
        new HoldfastError('push_rejected', { reason: `One change names at most ${pointerLimit} large files.` }),
      )
    },
    async conclude() {
      const missing: string[] = []
      const all = [...largeFiles.keys()]
      for (let at = 0; at < all.length; at += pointerBatch) {
        const batch = all.slice(at, at + pointerBatch)
        const linked = await holdLinkedBlobs(hub, repoId, batch)
        for (const sha256 of batch) {
          const file = largeFiles.get(sha256)
          if (file && linked.get(sha256) !== file.size) missing.push(file.place)
        }
      }
      if (missing.length === 0) return []
      const named = missing.slice(0, 10)
      const error = (paths: readonly string[]) =>
        new HoldfastError('lfs_object_missing', {
          count: missing.length,
          paths: `${paths.map(printable).join(', ')}${missing.length > named.length ? ', ...' : ''}`,
        })
      return [{ places: named, error }]
    },
  }
}

function plain(error: HoldfastError): Fault {
  return { places: [], error: () => error }
}

/** Names go to terminals: no escape sequences, no endless lines. */
function printable(name: string): string {
  return name.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '?').slice(0, 200)
}

function pattern(path: string): string {
  const extension = /[^/](\.[^./]+)$/.exec(path)?.[1]
  return extension === undefined ? path : `*${extension}`
}

function inMebibytes(size: number): string {
  return `${(size / 1024 ** 2).toFixed(size % 1024 ** 2 === 0 ? 0 : 1)} MiB`
}
