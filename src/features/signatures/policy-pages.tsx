/* The signing policy of an organization, and of a repo: what is asked, what that would mean today, and the way round for a while. */
import type { Child } from 'hono/jsx'
import { repoId, repoPath } from '../../web/address.ts'
import { Button, LinkButton } from '../../web/button.tsx'
import { Dialog } from '../../web/dialog.tsx'
import { PickField, SelectField, TextField } from '../../web/field.tsx'
import { type FormState, formValue, freshForm } from '../../web/form-state.ts'
import { Page } from '../../web/layout.tsx'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead, SettingsSection } from '../../web/page-head.tsx'
import { RepoPlace, type RepoView, repoSection } from '../../web/repo-place.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'
import { counted } from '../../web/size.ts'
import { Time } from '../../web/time.tsx'
import type { FailingHeads } from './heads.ts'
import type { Policies, SigningLevel } from './policy.ts'

export const levelPicks: readonly { value: SigningLevel; label: string; help: string }[] = [
  { value: 'off', label: 'Off', help: 'Commits are shown as verified, unverified or unsigned; nothing is refused.' },
  { value: 'warn', label: 'Warn', help: 'Pushes are taken; whoever pushes is told which commits are not verified.' },
  {
    value: 'signed',
    label: 'Require signed',
    help: 'Every new commit has a signature that fits, also of a key that no account here has.',
  },
  {
    value: 'verified',
    label: 'Require verified',
    help: 'Every new commit is signed by a key of an account, for a verified address of it.',
  },
]

export const levelLabel = (level: SigningLevel): string =>
  levelPicks.find(({ value }) => value === level)?.label ?? level

export type PolicyDialog =
  | { readonly kind: 'save'; readonly level: SigningLevel; readonly humanOnly: boolean; readonly heads: FailingHeads }
  | { readonly kind: 'bypass'; readonly form: FormState }

type PolicyView = {
  readonly policies: Policies
  readonly mayChange: boolean
  readonly mayBypass: boolean
  readonly form: FormState
  readonly dialog: PolicyDialog | null
}

export function OrganizationSigningPage(props: PolicyView & { context: PageContext; organization: string }) {
  const { organization } = props
  const here = organizationSettingsPath(organization, 'signing')
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`${organization}: signing`}
      place="signing"
      dialog={props.dialog && <AskDialog here={here} dialog={props.dialog} />}
    >
      <PageHead
        title="Signing"
        lede="What is asked of the commits that are pushed to the repositories of this organization. A repository may ask for more, never for less."
      />
      <PolicySections {...props} here={here} />
    </OrganizationSettingsPage>
  )
}

export function RepoSigningPage(props: PolicyView & { context: PageContext; repo: RepoView }) {
  const { context, repo, policies } = props
  const here = repoPath(repo, '/settings/signing')
  return (
    <Page
      context={context}
      title={`${repoId(repo)}: signing`}
      section={repoSection(repo)}
      place={<RepoPlace viewer={context.viewer} repo={repo} current="settings" />}
      dialog={props.dialog && <AskDialog here={here} dialog={props.dialog} />}
    >
      <div class="grid grid-cols-[minmax(0,1fr)] gap-5 max-w-3xl">
        <div>
          <h2>Signing</h2>
          <p class="lede">What is asked of the commits that are pushed to this repository.</p>
        </div>
        {policies.inherited !== null && policies.inherited.level !== 'off' && (
          <Notice kind="info" standing={true} small={true}>
            {repo.namespace} asks for at least: {levelLabel(policies.inherited.level)}.
          </Notice>
        )}
        <PolicySections {...props} here={here} />
      </div>
    </Page>
  )
}

function PolicySections(props: PolicyView & { here: string }) {
  const { policies, here } = props
  const { own, effective } = policies
  const value = formValue(props.form, 'level', own.level)
  return (
    <>
      {effective.bypass !== null && (
        <Notice
          kind="warning"
          standing={true}
          action={
            props.mayBypass && own.bypass !== null ? (
              <form method="post" action={`${here}/bypass/end`}>
                <Button>End the bypass</Button>
              </form>
            ) : null
          }
        >
          Until <Time at={effective.bypass.until} /> pushes are taken whatever they bring: {effective.bypass.reason}
        </Notice>
      )}
      <SettingsSection id="level-h" title="Policy">
        {props.mayChange ? (
          <form class="p-4 grid gap-4" method="get" action={here}>
            <input type="hidden" name="dialog" value="save" />
            <FormProblem form={props.form} />
            <PickField form={props.form} name="level" legend="Pushed commits" value={value} picks={levelPicks} />
            <HumanOnly isOn={own.humanSignatureOnly} />
            <div>
              <Button look="primary">Save policy</Button>
            </div>
          </form>
        ) : (
          <dl class="facts p-4">
            <dt>Pushed commits</dt>
            <dd>{levelLabel(effective.level)}</dd>
            <dt>Through API and website</dt>
            <dd>{effective.humanSignatureOnly ? 'refused' : 'taken, signed by this hub'}</dd>
          </dl>
        )}
      </SettingsSection>
      {props.mayBypass && effective.bypass === null && (effective.level !== 'off' || effective.humanSignatureOnly) && (
        <SettingsSection id="bypass-h" title="Let pushes through for a while">
          <div class="p-4 flex flex-wrap items-center gap-x-4 gap-y-2">
            <p class="flex-1 min-w-60 text-sm text-muted">
              For an emergency: it ends by itself, and the audit log tells who asked for it, why, and what was pushed.
            </p>
            <LinkButton look="danger" href={`${here}?dialog=bypass`} dialog={true}>
              Bypass the policy
            </LinkButton>
          </div>
        </SettingsSection>
      )}
    </>
  )
}

function HumanOnly({ isOn }: { isOn: boolean }) {
  return (
    <label class="pick">
      <input class="checkbox checkbox-sm" type="checkbox" name="humanOnly" value="yes" checked={isOn} />
      <span>
        <b>Only what people sign themselves</b>
        <span class="help block">
          Commits through the API and the website are refused too. Uploads with huggingface_hub no longer work then.
        </span>
      </span>
    </label>
  )
}

function AskDialog({ here, dialog }: { here: string; dialog: PolicyDialog }): Child {
  if (dialog.kind === 'bypass') {
    return (
      <Dialog
        title="Bypass the signing policy"
        closeHref={here}
        action={`${here}/bypass`}
        submit={<Button look="error">Let pushes through</Button>}
      >
        <FormProblem form={dialog.form} />
        <SelectField
          form={dialog.form}
          name="hours"
          label="For"
          value="1"
          choices={[
            { value: '1', label: '1 hour' },
            { value: '4', label: '4 hours' },
            { value: '24', label: '1 day' },
            { value: '72', label: '3 days' },
          ]}
        />
        <TextField form={dialog.form} name="reason" label="Why" required={true} maxlength={300} autofocus={true} />
      </Dialog>
    )
  }
  const { level, humanOnly, heads } = dialog
  return (
    <Dialog
      title={`Set the policy: ${levelLabel(level)}`}
      closeHref={here}
      action={here}
      submit={
        <>
          <Button action={`${here}/preview`}>Preview who is affected</Button>
          <Button look="primary">Save policy</Button>
        </>
      }
    >
      <FormProblem form={freshForm} />
      <input type="hidden" name="level" value={level} />
      <input type="hidden" name="humanOnly" value={humanOnly ? 'yes' : 'no'} />
      <p class="text-sm">
        {level === 'off' || level === 'warn' ? 'Today ' : 'With this policy '}
        {heads.isWhole ? '' : 'at least '}
        {heads.failing} of {counted(heads.heads, 'branch head')} would fail
        {level === 'off' || level === 'warn' ? ' if commits had to be verified.' : '.'}
      </p>
      <p class="text-sm text-muted">
        Only commits that are new in a push are judged. What is there already stays, whatever it is.
      </p>
    </Dialog>
  )
}
