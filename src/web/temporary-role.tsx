/* A role for a while: the fields that say until when and why, how a running one reads, and the dialog that gives one to who has a role already. */
import { Button, LinkButton } from './button.tsx'
import { Dialog } from './dialog.tsx'
import { SelectField, TextField } from './field.tsx'
import { type FormState, formValue } from './form-state.ts'
import { FormProblem } from './notice.tsx'
import { nameIn, type TermPrefix, terms } from './temporary-role-form.ts'
import { minuteTime } from './time-words.ts'

/** `always`: the role has an end; else "for good" is the first choice. */
export function TermFields(props: { form: FormState; prefix: TermPrefix; always?: boolean }) {
  const { form, prefix } = props
  const until = nameIn(prefix, 'Until')
  return (
    <div class="expiry grid gap-3 items-start content-start sm:grid-cols-[12rem_minmax(0,1fr)]">
      <div class="grid gap-3 content-start">
        <SelectField
          form={form}
          name={until}
          label="For how long"
          value={formValue(form, until, props.always ? '1h' : '')}
          choices={[
            ...(props.always ? [] : [{ value: '', label: 'For good' }]),
            ...terms.map(({ value, label }) => ({ value, label })),
            { value: 'date', label: 'Until a date…' },
          ]}
        />
        <div class="only-date">
          <TextField form={form} name={nameIn(prefix, 'UntilDate')} type="date" label="Last day (UTC)" />
        </div>
      </div>
      <TextField
        form={form}
        name={nameIn(prefix, 'Reason')}
        label="Why for a while"
        required={props.always}
        maxlength={500}
        help={`${props.always ? '' : 'Needed where the role has an end. '}Shown beside the role, and in the audit log.`}
      />
    </div>
  )
}

export type TemporaryLine = { until: number; roleAfter: string | null; reason: string | null }

/** "admin until 28 Nov 2026, 14:05 UTC, then contributor", with the ways to make it longer and to end it. */
export function TemporaryRole(props: {
  role: string
  temporary: TemporaryLine
  shown: string
  /** Null where the viewer may not change it. */
  change: { extendHref: string; endAction: string } | null
}) {
  const { temporary, change, shown } = props
  return (
    <div class="grid gap-1.5">
      <span>
        <b>{props.role}</b> until {minuteTime(temporary.until)}, then {temporary.roleAfter ?? 'nothing'}
      </span>
      {temporary.reason !== null && <span class="text-xs text-muted wrap-break-word">{temporary.reason}</span>}
      {change !== null && (
        <div class="flex flex-wrap gap-2">
          <LinkButton href={change.extendHref} dialog={true} label={`Change end of the role of ${shown}`}>
            Change end
          </LinkButton>
          <form method="post" action={change.endAction}>
            <Button label={`End now the temporary role of ${shown}`}>End now</Button>
          </form>
        </div>
      )}
    </div>
  )
}

/** Posts `raiseRole` and the term (`raiseUntil`, ...). */
export function RaiseDialog(props: {
  shown: string
  closeHref: string
  action: string
  roles: readonly string[]
  /** What is left afterwards; null for nothing. */
  lasting: string | null
  /** The temporary role that is running, which is offered again; null where none is. */
  running: string | null
  form: FormState
}) {
  const { form, lasting } = props
  return (
    <Dialog
      title={`Role of ${props.shown} for a while`}
      closeHref={props.closeHref}
      action={props.action}
      submit={<Button look="primary">Give role</Button>}
    >
      <FormProblem form={form} />
      <p class="text-sm text-muted">
        It is stronger than the lasting role, {lasting ?? 'nothing'}, which counts again at the end. Whoever holds it
        cannot make it longer.
      </p>
      <SelectField
        form={form}
        name="raiseRole"
        label="Role"
        value={formValue(form, 'raiseRole', props.running ?? props.roles[0] ?? 'read')}
        choices={props.roles.map((role) => ({ value: role, label: role }))}
      />
      <TermFields form={form} prefix="raise" always={true} />
    </Dialog>
  )
}
