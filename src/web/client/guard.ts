/* Asks before a page with unsaved input is left. Only forms that say so, and never when the form itself is what leaves. */

export function guardForms(): void {
  let isDirty = false
  for (const form of document.querySelectorAll<HTMLFormElement>('form[data-guarded]')) {
    // What was sent and came back is still saved nowhere.
    if (form.dataset.guarded === 'dirty') isDirty = true
    form.addEventListener('input', () => {
      isDirty = true
    })
  }
  document.addEventListener('submit', () => {
    isDirty = false
  })
  window.addEventListener('beforeunload', (event) => {
    if (isDirty) event.preventDefault()
  })
}
