/** What the pages about who answers for a model are drawn from. */
import { repoPath } from '../../web/address.ts'
import type { FormState } from '../../web/form-state.ts'
import type { PageContext } from '../../web/page-context.ts'
import type { RepoView } from '../../web/repo-place.tsx'
import type { BackendKind } from './backend.ts'
import type { LoadState } from './embedded/running.ts'
import type { Tried } from './try-it.ts'
import type { WayToTry } from './try-ways.ts'

export type ServerView = {
  readonly id: string
  readonly url: string
  readonly kind: BackendKind
  /** What it calls the model; null: as the hub does. */
  readonly model: string | null
  readonly weight: number
  readonly hasSecret: boolean
  /** In a row. */
  readonly failures: number
  /** Milliseconds for which it is left alone; null where it is asked. */
  readonly leftAloneMs: number | null
}

/** `embed`: the hub takes the place of the servers. */
export type ServersDialog =
  | { readonly kind: 'remove'; readonly server: ServerView }
  | { readonly kind: 'end' }
  | { readonly kind: 'embed' }

/** Of a model that the hub runs itself. */
export type RunningView = LoadState & {
  /** Why the files that it is to load cannot be run; null where they can, as far as it is known. */
  readonly notRunnable: string | null
  /** Whether anything was uploaded yet. */
  readonly hasFiles: boolean
  /** What is loaded: which kind of graph, and how many bytes. Null where it may not be seen or cannot be run. */
  readonly graph: { readonly dtype: string; readonly weights: number; readonly task: string | null } | null
}

export type EmbeddedView = {
  /** Whether the library is there that it takes. */
  readonly isInstalled: boolean
  /** How the library is added. */
  readonly command: string
  /** What models may take together. */
  readonly most: number
  readonly running: RunningView | null
  /** Of the button that has the hub run the model. */
  readonly form: FormState
}

export type TryView = {
  readonly form: FormState
  /** The usual one first; none where a form cannot ask. */
  readonly ways: readonly WayToTry[]
  /** The address that takes images, where none of the ways is for a form. */
  readonly imageAddress: string | null
  readonly mask: string
  readonly answer: Tried | null
}

export type ServersPageProps = {
  context: PageContext
  repo: RepoView
  servers: readonly ServerView[]
  embedded: EmbeddedView
  revision: string | null
  /** That the revision stays at. */
  commit: string | null
  /** By which a form says what it was made from; empty where there is no server. */
  madeFrom: string
  /** Of the server that is added or changed. */
  form: FormState
  /** The one that is changed. */
  changing: ServerView | null
  revisionForm: FormState
  tried: TryView
  dialog: ServersDialog | null
  mayChange: boolean
  /** The viewer may call the model. */
  mayTry: boolean
}

export type Placed = ServersPageProps & { here: string }

export function serversPath(repo: RepoView): string {
  return repoPath(repo, '/settings/inference')
}
