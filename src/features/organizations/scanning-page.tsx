/* What happens in an organization to files that scanners find unsafe and to pushes that hold secrets, and which pickles it admits: the settings page
   "Scanning and quarantine". */
import { type AdmissionPolicy, longestImportList } from '../../domain/import-list.ts'
import {
  type LeakedTokenPolicy,
  type LeakPolicy,
  type PushProtection,
  stricterLeakPolicy,
} from '../../domain/leak-policy.ts'
import { type ScanPolicy, stricterPolicy } from '../../domain/quarantine.ts'
import { Button } from '../../web/button.tsx'
import { PickField, TextArea } from '../../web/field.tsx'
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

const admissionPicks = [
  { value: 'off', label: 'Off', help: 'What pickles import is judged by the lists of this hub alone.' },
  {
    value: 'flag',
    label: 'Flag',
    help: 'A pickle that imports what neither the lists of this hub nor your list names is shown as not admitted.',
  },
  {
    value: 'refuse',
    label: 'Refuse',
    help: 'Nobody can download it either, nor a file that could not be read whole.',
  },
] as const satisfies readonly { value: AdmissionPolicy; label: string; help: string }[]

const tokenPicks = [
  {
    value: 'record',
    label: 'Revoke and record',
    help: 'The token is revoked and its owner told. The push is taken, with a warning.',
  },
  {
    value: 'refuse',
    label: 'Revoke and refuse',
    help: 'The push is refused too, so that the dead token does not stay in the history.',
  },
] as const satisfies readonly { value: LeakedTokenPolicy; label: string; help: string }[]

const secretPicks = [
  { value: 'off', label: 'Off', help: 'Pushes are not searched. What a scan finds afterwards is shown on the file.' },
  { value: 'warn', label: 'Warn', help: 'Whoever pushes is told what looks like a secret. The push is taken.' },
  {
    value: 'block',
    label: 'Block',
    help: 'The push is refused. An admin of the repository can let it pass, with a reason in the message of the newest commit.',
  },
] as const satisfies readonly { value: PushProtection; label: string; help: string }[]

interface InstancePolicies extends LeakPolicy {
  readonly scanPolicy: ScanPolicy
}

interface Policies extends InstancePolicies {
  readonly pickleAdmission: AdmissionPolicy
  readonly pickleAllowList: string
}

const labelIn = (list: readonly { value: string; label: string }[], value: string): string =>
  list.find((pick) => pick.value === value)?.label ?? value

/** What the hub asks for and the organization does not: by the legend of its field. */
function overruled(own: InstancePolicies, instance: InstancePolicies): { legend: string; label: string }[] {
  const leaks = stricterLeakPolicy(own, instance)
  const strictest = { ...leaks, scanPolicy: stricterPolicy(own.scanPolicy, instance.scanPolicy) }
  return fields
    .filter(({ name }) => strictest[name] !== own[name])
    .map(({ name, legend, picks: list }) => ({ legend, label: labelIn(list, strictest[name]) }))
}

const fields = [
  { name: 'scanPolicy', legend: 'Unsafe files', picks },
  { name: 'leakedTokens', legend: 'Leaked access tokens of this hub', picks: tokenPicks },
  { name: 'pushProtection', legend: 'Other secrets in pushes', picks: secretPicks },
] as const

/** Posts `scanPolicy`, `pickleAdmission`, `pickleAllowList`, `leakedTokens` and `pushProtection` to /organizations/{org}/settings/scanning. */
export function ScanningPage(props: {
  context: PageContext
  organization: string
  policies: Policies
  /** What the hub asks of everybody. */
  instance: InstancePolicies
  /** From the policy. */
  mayChange: boolean
  /** From the policy: the list of what was found. */
  maySeeUnsafe: boolean
  form: FormState
}) {
  const { organization, policies, form } = props
  const stricter = overruled(policies, props.instance)
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
        lede={`Every file of ${organization} is scanned. This says what happens to those that are found unsafe, what their pickles may import, and what happens to pushes that hold secrets.`}
      />
      {props.maySeeUnsafe && (
        <p>
          <a class="a" href={organizationSettingsPath(organization, 'scanning/held')}>
            Unsafe files of {organization}
          </a>{' '}
          and who downloaded them
        </p>
      )}
      {stricter.length > 0 && (
        <Notice kind="info" standing={true}>
          This hub asks every organization for more.
          {stricter.map(({ legend, label }) => (
            <>
              {' '}
              {legend}: <b>{label}</b>.
            </>
          ))}
        </Notice>
      )}
      {props.mayChange ? (
        <form class="panel p-4 grid gap-5" method="post" action={organizationSettingsPath(organization, 'scanning')}>
          <FormProblem form={form} />
          <PickField form={form} name="scanPolicy" legend="Unsafe files" value={policies.scanPolicy} picks={picks} />
          <p class="text-sm text-muted">
            A held file stays in its repository and can be taken out of it. Where its bytes lie in git itself, the
            repository cannot be cloned while its history has it. An administrator of this hub can release a file, with
            a reason.
          </p>
          <PickField
            form={form}
            name="pickleAdmission"
            legend="Pickles"
            value={policies.pickleAdmission}
            picks={admissionPicks}
          />
          <TextArea
            form={form}
            name="pickleAllowList"
            label="Imports that you admit"
            optional={true}
            rows={8}
            mono={true}
            maxlength={longestImportList}
            value={policies.pickleAllowList}
            help={
              <>
                One a line: <code>module.name</code>, or <code>module.*</code> for everything below a module.{' '}
                <code>!</code> takes a line out again, the last one that fits counts, <code>#</code> begins a comment.
                What is known to run code is never admitted.
              </>
            }
          />
          <PickField
            form={form}
            name="leakedTokens"
            legend="Leaked access tokens of this hub"
            value={policies.leakedTokens}
            picks={tokenPicks}
          />
          <PickField
            form={form}
            name="pushProtection"
            legend="Other secrets in pushes"
            value={policies.pushProtection}
            picks={secretPicks}
          />
          <p class="text-sm text-muted">
            Commits through the API and the website count as pushes. A live token of this hub is revoked whatever is
            chosen here, in private repositories too.
          </p>
          <div class="flex flex-wrap gap-2">
            <Button look="primary">Save policies</Button>
            <Button action={`${organizationSettingsPath(organization, 'scanning')}/preview`}>
              Preview which files are affected
            </Button>
          </div>
        </form>
      ) : (
        <section class="panel p-4 grid gap-4" aria-label={`Scanning and quarantine of ${organization}`}>
          <dl class="facts">
            {fields.map(({ name, legend, picks: list }) => (
              <>
                <dt>{legend}</dt>
                <dd>{labelIn(list, policies[name])}</dd>
              </>
            ))}
            <dt>Pickles</dt>
            <dd>{labelIn(admissionPicks, policies.pickleAdmission)}</dd>
          </dl>
          {policies.pickleAdmission !== 'off' && policies.pickleAllowList !== '' && (
            <div class="grid gap-1">
              <h2 class="text-sm font-semibold">Imports that {organization} admits</h2>
              <pre class="text-xs overflow-x-auto">{policies.pickleAllowList}</pre>
            </div>
          )}
          <p class="text-sm text-muted">An admin of {organization} can change this.</p>
        </section>
      )}
    </OrganizationSettingsPage>
  )
}
