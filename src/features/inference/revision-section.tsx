/* Which revision answers. */
import { commitPath } from '../../web/address.ts'
import { Button } from '../../web/button.tsx'
import { TextField } from '../../web/field.tsx'
import { FormProblem } from '../../web/notice.tsx'
import { SettingsSection } from '../../web/page-head.tsx'
import type { Placed } from './server-view.ts'

export function RevisionSection({ embedded, repo, revision, commit, revisionForm, madeFrom, here }: Placed) {
  const isHub = embedded.running !== null
  const rest = isHub ? 'The hub loads its files.' : 'The hub cannot see what a server has loaded.'
  return (
    <SettingsSection id="revision-h" title="Revision">
      <form class="p-4 grid gap-4" method="post" action={`${here}/revision`}>
        <input type="hidden" name="madeFrom" value={madeFrom} />
        <FormProblem form={revisionForm} />
        <div class="sm:max-w-80">
          <TextField
            form={revisionForm}
            name="revision"
            label={isHub ? 'What the hub runs' : 'What the servers run'}
            value={revision ?? ''}
            optional={true}
            maxlength={200}
            verbatim={true}
            placeholder="the head"
            help="A branch, tag or commit; it stays at the commit that it is when you save. Without one: the head."
          />
        </div>
        <p class="text-sm text-muted">
          {commit === null ? (
            `It is the head that is checked for unsafe files before a call, and written down. ${rest}`
          ) : (
            <>
              <a class="a" href={commitPath(repo, commit)}>
                <code>{commit.slice(0, 7)}</code>
              </a>{' '}
              is checked for unsafe files before a call, and written down. {rest}
            </>
          )}
        </p>
        <div>
          <Button>Save revision</Button>
        </div>
      </form>
    </SettingsSection>
  )
}
