/* What cannot be undone asks for the name, typed. The server compares it after trimming; capitals count. */

import { TextField } from './field.tsx'
import type { FormState } from './form-state.ts'

export function TypedConfirmation(props: { form: FormState; word: string; autofocus?: boolean }) {
  return (
    <TextField
      form={props.form}
      name="confirm"
      label={
        <>
          Type <code class="select-all bg-base-300 px-1 rounded break-all">{props.word}</code> to confirm
        </>
      }
      required={true}
      verbatim={true}
      autofocus={props.autofocus}
    />
  )
}

/** Whether what was typed is the word that was asked for. */
export function isConfirmed(typed: string | null | undefined, word: string): boolean {
  return typed?.trim() === word
}
