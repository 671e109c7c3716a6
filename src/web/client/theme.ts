/* The colour switch without a page load: the form is sent in the background and the page changes at once. */

export function startTheme(): void {
  const form = document.querySelector<HTMLFormElement>('form[data-theme-form]')
  form?.addEventListener('submit', (event) => {
    const button = event.submitter
    if (form.dataset.plain !== undefined || !(button instanceof HTMLButtonElement)) return
    event.preventDefault()
    void choose(form, button)
  })
}

async function choose(form: HTMLFormElement, button: HTMLButtonElement): Promise<void> {
  const body = new URLSearchParams({ theme: button.value, back: location.pathname })
  // `manual`: the answer is a redirect back here, which there is no need to fetch.
  const response = await fetch(form.action, { method: 'POST', body, redirect: 'manual' }).catch(() => null)
  if (!response || response.status >= 400) {
    form.dataset.plain = ''
    form.requestSubmit(button)
    return
  }
  if (button.value === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = `holdfast-${button.value}`
  for (const each of form.querySelectorAll('button')) each.setAttribute('aria-pressed', String(each === button))
}
