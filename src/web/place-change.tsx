/* Moving private repositories inside their organization: who would no longer see them, and who would from then on. */
import { type RepoAddress, repoId, repoPath } from './address.ts'
import { Button } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { Notice } from './notice.tsx'
import { isOne, type Parties, partyWords } from './party-words.ts'

export type PlaceEffect = { lose: Parties; gain: Parties }

/** `what`: "it", "2 private repositories". */
export function PlaceChange({ effect, what }: { effect: PlaceEffect; what: string }) {
  const { lose, gain } = effect
  const loses = lose.people + lose.machines > 0
  const gains = gain.people + gain.machines > 0
  return (
    <ul class="text-sm grid gap-1">
      {loses && (
        <li>
          <b>
            {partyWords(lose)} {isOne(lose) ? 'loses' : 'lose'} access to {what}
          </b>{' '}
          on the next request, running tokens included.
        </li>
      )}
      {gains && (
        <li>
          <b>
            {partyWords(gain)} {isOne(gain) ? 'sees' : 'see'} {what} from then on
          </b>{' '}
          and did not before.
        </li>
      )}
      {!loses && !gains && <li>The same people and service accounts see {what} as before.</li>}
    </ul>
  )
}

type Named = { id: string; name: string }

/** From one place of the organization to another; null is the organization itself. */
export type PlaceMove = {
  repo: RepoAddress & { isPrivate: boolean }
  from: Named | null
  into: Named | null
  effect: PlaceEffect
}

/** Posts `workspace`, `from` and `back` to {repo}/settings/workspace, which moves it and leads to `back`: where it was opened. */
export function PlaceDialog(props: { organization: string; closeHref: string; move: PlaceMove }) {
  const { organization, closeHref } = props
  const { repo, from, into, effect } = props.move
  return (
    <Dialog
      title={
        into === null ? `Move ${repoId(repo)} out of ${from?.name ?? ''}` : `Move ${repoId(repo)} into ${into.name}`
      }
      closeHref={closeHref}
      action={repoPath(repo, '/settings/workspace')}
      submit={
        <>
          <Button action={repoPath(repo, '/settings/workspace/preview')}>Preview who is affected</Button>
          <Button look="primary">{into === null ? 'Move out' : 'Move into workspace'}</Button>
        </>
      }
    >
      <input type="hidden" name="workspace" value={into?.id ?? ''} />
      <input type="hidden" name="from" value={from?.id ?? ''} />
      <input type="hidden" name="back" value={closeHref} />
      {from !== null && into !== null && (
        <Notice kind="warning" small={true}>
          It lies in the workspace “{from.name}” and is taken from there: a repository is in one workspace at a time.
        </Notice>
      )}
      {repo.isPrivate ? (
        <PlaceChange effect={effect} what="it" />
      ) : (
        <p class="text-sm">
          It is public, so everybody keeps seeing it. Who may write it follows from the roles in{' '}
          {into === null ? organization : into.name} from the next request on.
        </p>
      )}
    </Dialog>
  )
}
