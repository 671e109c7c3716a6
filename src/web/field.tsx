/* A field: label, control, help and error, tied together for screen readers by id. Values and errors come from the
   form's state, so that a refused form shows what was sent with the message where it belongs. */
import type { Child } from 'hono/jsx'
import { type FormState, formValue } from './form-state.ts'
import { Icon } from './icon.tsx'

type FieldProps = {
  form: FormState
  /** The name of the form value, and its id on the page. */
  name: string
  label: Child
  help?: Child
  optional?: boolean
  class?: string
}

type ControlProps = { id: string; name: string; described?: string; invalid?: 'true' }

function Field(props: FieldProps & { aside?: Child; control: (tied: ControlProps) => Child }) {
  const error = props.form.errors[props.name]
  const id = `field-${props.name}`
  const described = [error && `${id}-error`, props.help && `${id}-help`].filter(Boolean).join(' ')
  const label = (
    <label for={id} class={props.aside ? 'font-medium text-sm' : undefined}>
      {props.label}
      {props.optional && <span class="opt"> optional</span>}
    </label>
  )
  return (
    <div class={props.class ? `field ${props.class}` : 'field'}>
      {props.aside ? (
        <span class="flex justify-between items-baseline">
          {label}
          {props.aside}
        </span>
      ) : (
        label
      )}
      {props.control({ id, name: props.name, described: described || undefined, invalid: error ? 'true' : undefined })}
      {error && <FieldError id={`${id}-error`}>{error}</FieldError>}
      {props.help && (
        <span class="help" id={`${id}-help`}>
          {props.help}
        </span>
      )}
    </div>
  )
}

export function FieldError(props: { id: string; children: Child }) {
  return (
    <span class="bad" id={props.id}>
      <Icon name="circle-alert" />
      {props.children}
    </span>
  )
}

type TextFieldProps = FieldProps & {
  type?: 'text' | 'email' | 'password' | 'url' | 'date' | 'search'
  value?: string
  autocomplete?: string
  required?: boolean
  minlength?: number
  maxlength?: number
  pattern?: string
  placeholder?: string
  /** Names and codes: no spelling help, no capitals. */
  verbatim?: boolean
  /** Phones show the keyboard of digits. */
  digits?: boolean
  autofocus?: boolean
  large?: boolean
  /** A link at the end of the label's line. */
  aside?: Child
  /** What the browser offers to pick; anything else may be typed. */
  suggestions?: readonly Choice[] | undefined
}

export function TextField(props: TextFieldProps) {
  const type = props.type ?? 'text'
  return (
    <Field
      {...props}
      control={({ id, name, described, invalid }) => (
        <>
          <input
            class={props.large ? 'input' : 'input input-sm'}
            id={id}
            list={props.suggestions?.length ? `${id}-list` : undefined}
            name={name}
            type={type}
            // A password never travels back to the browser.
            value={type === 'password' ? undefined : formValue(props.form, name, props.value)}
            autocomplete={props.autocomplete ?? 'off'}
            required={props.required}
            minlength={props.minlength}
            maxlength={props.maxlength}
            pattern={props.pattern}
            placeholder={props.placeholder}
            spellcheck={props.verbatim ? false : undefined}
            autocapitalize={props.verbatim ? 'none' : undefined}
            inputmode={props.digits ? 'numeric' : undefined}
            autofocus={props.autofocus}
            aria-describedby={described}
            aria-invalid={invalid}
          />
          {props.suggestions?.length ? (
            <datalist id={`${id}-list`}>
              {props.suggestions.map(({ value, label }) => (
                <option value={value}>{label}</option>
              ))}
            </datalist>
          ) : null}
        </>
      )}
    />
  )
}

export function TextArea(props: FieldProps & { rows?: number; value?: string; maxlength?: number; mono?: boolean }) {
  return (
    <Field
      {...props}
      control={({ id, name, described, invalid }) => (
        <textarea
          class={props.mono ? 'textarea font-mono text-xs!' : 'textarea text-sm!'}
          id={id}
          name={name}
          rows={props.rows ?? 4}
          maxlength={props.maxlength}
          aria-describedby={described}
          aria-invalid={invalid}
        >
          {formValue(props.form, name, props.value)}
        </textarea>
      )}
    />
  )
}

export type Choice = { value: string; label: string }

type SelectFieldProps = FieldProps & { choices: readonly Choice[]; value?: string; autofocus?: boolean }

export function SelectField(props: SelectFieldProps) {
  const chosen = formValue(props.form, props.name, props.value)
  return (
    <Field
      {...props}
      control={({ id, name, described, invalid }) => (
        <select
          class="select select-sm"
          id={id}
          name={name}
          aria-describedby={described}
          aria-invalid={invalid}
          autofocus={props.autofocus}
        >
          {props.choices.map((choice) => (
            <option value={choice.value} selected={choice.value === chosen}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    />
  )
}

export type Pick = { value: string; label: string; help?: string }

/** A choice between a few, each with a line that says what it means. */
export function PickField(props: {
  form: FormState
  name: string
  legend: string
  picks: readonly Pick[]
  value?: string
  /** How many stand beside each other on a wide screen. */
  columns?: 2 | 3
}) {
  const chosen = formValue(props.form, props.name, props.value)
  const error = props.form.errors[props.name]
  const id = `field-${props.name}`
  const columns = props.columns === 3 ? 'grid gap-2 lg:grid-cols-3' : 'grid gap-2 sm:grid-cols-2'
  return (
    <fieldset class="grid gap-2" aria-describedby={error ? `${id}-error` : undefined}>
      <legend class="font-semibold text-sm mb-1">{props.legend}</legend>
      <div class={props.columns ? columns : 'grid gap-2'}>
        {props.picks.map((pick) => (
          <label class="pick">
            <input
              class="radio radio-sm"
              type="radio"
              name={props.name}
              value={pick.value}
              checked={pick.value === chosen}
              required
            />
            <span>
              <b>{pick.label}</b>
              {pick.help && <span class="help block">{pick.help}</span>}
            </span>
          </label>
        ))}
      </div>
      {error && (
        <div class="field">
          <FieldError id={`${id}-error`}>{error}</FieldError>
        </div>
      )}
    </fieldset>
  )
}

/** Beside a password alone: tells password managers whose it is. Not shown, not read by the server. */
export function WhosePassword(props: { name: string }) {
  return <input type="text" value={props.name} autocomplete="username" readonly={true} hidden={true} />
}
