/** A question about access, and whatever of the request it would be it tells. */
import type { Target } from '../../access/load-facts.ts'
import type { Call } from '../../access/route.ts'
import type { Action } from '../../domain/permissions.ts'
import type { BroughtCommits } from '../signatures/service.ts'

export interface Question {
  readonly action: Action
  readonly target: Target
  /** A user name, `sa-ID` or the name of a service account; null: the caller. */
  readonly principal: string | null
  /** The id of a token; null: what the request carries. */
  readonly token: string | null
  /** The file of the repo that would be read: some tokens read some files alone. Null: none, or the whole repo. */
  readonly path: string | null
  /** Of the file; null: the main branch. */
  readonly revision: string | null
  /** As the program would call itself in `User-Agent`; null: not told, or as this request. */
  readonly program: string | null
  /** What a push would bring; null: not told. */
  readonly commits: BroughtCommits | null
}

/** What of a request a question is answered with. */
export type Asker = Pick<Call<Action, unknown, unknown>, 'facts' | 'request' | 'factsAbout' | 'authorizeAlso'>
