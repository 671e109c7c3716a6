/* The permission picker: counts what is ticked, and asks the server to say in sentences what the token could do. */

const settleFor = 200

export function startPicker(): void {
  const form = document.querySelector<HTMLFormElement>('form[data-picker]')
  const summary = document.getElementById('token-summary')
  if (!form || !summary) return
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked: AbortController | null = null
  form.addEventListener('input', () => {
    countTicked(form)
    clearTimeout(timer)
    timer = setTimeout(() => {
      asked?.abort()
      asked = new AbortController()
      void refresh(form, summary, asked.signal)
    }, settleFor)
  })
}

function countTicked(form: HTMLFormElement): void {
  const count = form.querySelector('[data-picker-count]')
  const boxes = [...form.querySelectorAll<HTMLInputElement>('[data-picker-box]')]
  if (count) count.textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length} ticked`
}

async function refresh(form: HTMLFormElement, summary: HTMLElement, signal: AbortSignal): Promise<void> {
  const address = summary.dataset.summary
  if (!address) return
  const body = new URLSearchParams()
  for (const [name, value] of new FormData(form)) if (typeof value === 'string') body.append(name, value)
  try {
    const response = await fetch(address, { method: 'POST', body, signal })
    if (!response.ok) throw new Error(`the summary answered ${response.status}`)
    const part = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('token-summary')
    if (!part) throw new Error('the summary is missing in the answer')
    summary.replaceChildren(...part.childNodes)
  } catch (error) {
    if (signal.aborted) return
    const note = document.createElement('p')
    note.textContent = 'This could not be refreshed. The server checks again when you press.'
    summary.replaceChildren(note)
    console.warn(error)
  }
}
