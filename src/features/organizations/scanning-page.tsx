/* What happens in an organization to files that scanners find unsafe, and which pickles it admits: the settings page "Scanning and quarantine". */
import { type AdmissionPolicy, longestImportList } from '../../domain/import-list.ts'
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

const admissionLabelOf = (policy: AdmissionPolicy): string =>
  admissionPicks.find(({ value }) => value === policy)?.label ?? policy

const labelOf = (policy: ScanPolicy): string => picks.find(({ value }) => value === policy)?.label ?? policy

/** Posts `scanPolicy`, `pickleAdmission` and `pickleAllowList` to /organizations/{org}/settings/scanning. */
export function ScanningPage(props: {
  context: PageContext
  organization: string
  scanPolicy: ScanPolicy
  pickleAdmission: AdmissionPolicy
  pickleAllowList: string
  /** What the hub asks of everybody. */
  instancePolicy: ScanPolicy
  /** From the policy. */
  mayChange: boolean
  /** From the policy: the list of what was found. */
  maySeeUnsafe: boolean
  form: FormState
}) {
  const { organization, scanPolicy, pickleAdmission, pickleAllowList, instancePolicy, form } = props
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
        lede={`Every file of ${organization} is scanned. This says what happens to those that are found unsafe, and what their pickles may import.`}
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
          <PickField
            form={form}
            name="pickleAdmission"
            legend="Pickles"
            value={pickleAdmission}
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
            value={pickleAllowList}
            help={
              <>
                One a line: <code>module.name</code>, or <code>module.*</code> for everything below a module.{' '}
                <code>!</code> takes a line out again, the last one that fits counts, <code>#</code> begins a comment.
                What is known to run code is never admitted.
              </>
            }
          />
          <div>
            <Button look="primary">Save policy</Button>
          </div>
        </form>
      ) : (
        <section class="panel p-4 grid gap-4" aria-label={`Scanning and quarantine of ${organization}`}>
          <dl class="facts">
            <dt>Unsafe files</dt>
            <dd>{labelOf(scanPolicy)}</dd>
            <dt>Pickles</dt>
            <dd>{admissionLabelOf(pickleAdmission)}</dd>
          </dl>
          {pickleAdmission !== 'off' && pickleAllowList !== '' && (
            <div class="grid gap-1">
              <h2 class="text-sm font-semibold">Imports that {organization} admits</h2>
              <pre class="text-xs overflow-x-auto">{pickleAllowList}</pre>
            </div>
          )}
          <p class="text-sm text-muted">An admin of {organization} can change this.</p>
        </section>
      )}
    </OrganizationSettingsPage>
  )
}
