/* What happens in an organization to files that scanners find unsafe: the settings page "Scanning and quarantine". */
import { type ScanPolicy, stricterPolicy } from '../../domain/quarantine.ts'
import { Button } from '../../web/button.tsx'
import { PickField } from '../../web/field.tsx'
import type { FormState } from '../../web/form-state.ts'
import { FormProblem, Notice } from '../../web/notice.tsx'
import { OrganizationSettingsPage } from '../../web/organization-settings-page.tsx'
import type { PageContext } from '../../web/page-context.ts'
import { PageHead } from '../../web/page-head.tsx'
import { organizationSettingsPath } from '../../web/settings-frame.tsx'

const picks = [
  { value: 'warn', label: 'Warn', help: 'What is found is shown on pages and in the API. Nothing is held.' },
  {
    value: 'block_infected',
    label: 'Block infected files',
    help: 'Nobody can download a file in which a scanner found malware, or a pickle that runs code.',
  },
  {
    value: 'block_until_scanned',
    label: 'Block until scanned',
    help: 'New files, too, cannot be downloaded before every scanner has seen them.',
  },
] as const satisfies readonly { value: ScanPolicy; label: string; help: string }[]

const labelOf = (policy: ScanPolicy): string => picks.find(({ value }) => value === policy)?.label ?? policy

/** Posts `scanPolicy` to /organizations/{org}/settings/scanning. */
export function ScanningPage(props: {
  context: PageContext
  organization: string
  scanPolicy: ScanPolicy
  /** What the hub asks of everybody. */
  instancePolicy: ScanPolicy
  /** From the policy. */
  mayChange: boolean
  /** From the policy: the list of what was found. */
  maySeeUnsafe: boolean
  form: FormState
}) {
  const { organization, scanPolicy, instancePolicy, form } = props
  const isOverruled = stricterPolicy(scanPolicy, instancePolicy) !== scanPolicy
  return (
    <OrganizationSettingsPage
      context={props.context}
      organization={organization}
      title={`Scanning and quarantine of ${organization}`}
      place="scanning"
      dialog={null}
    >
      <PageHead
        title="Scanning and quarantine"
        lede={`Every file of ${organization} is scanned. This says what happens to those that are found unsafe.`}
      />
      {props.maySeeUnsafe && (
        <p>
          <a class="a" href={organizationSettingsPath(organization, 'scanning/held')}>
            Unsafe files of {organization}
          </a>{' '}
          and who downloaded them
        </p>
      )}
      {isOverruled && (
        <Notice kind="info" standing={true}>
          This hub asks for more: <b>{labelOf(instancePolicy)}</b> holds in every organization.
        </Notice>
      )}
      {props.mayChange ? (
        <form class="panel p-4 grid gap-5" method="post" action={organizationSettingsPath(organization, 'scanning')}>
          <FormProblem form={form} />
          <PickField form={form} name="scanPolicy" legend="Unsafe files" value={scanPolicy} picks={picks} />
          <p class="text-sm text-muted">
            A held file stays in its repository and can be taken out of it. Where its bytes lie in git itself, the
            repository cannot be cloned while its history has it. An administrator of this hub can release a file, with
            a reason.
          </p>
          <div>
            <Button look="primary">Save policy</Button>
          </div>
        </form>
      ) : (
        <section class="panel p-4 grid gap-4" aria-label={`Scanning and quarantine of ${organization}`}>
          <dl class="facts">
            <dt>Unsafe files</dt>
            <dd>{labelOf(scanPolicy)}</dd>
          </dl>
          <p class="text-sm text-muted">An admin of {organization} can change this.</p>
        </section>
      )}
    </OrganizationSettingsPage>
  )
}
