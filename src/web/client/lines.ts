/* Ranges of lines: `#L10-L20` marks them, and a press with Shift on a second number makes such an address. One line is marked without this. */
const range = /^#L(\d+)-L(\d+)$/

export function startLines(): void {
  if (!document.querySelector('table.code')) return
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('table.code .ln a') : null
    const before = /^#L(\d+)/.exec(location.hash)?.[1]
    if (!event.shiftKey || !link || !before) return
    event.preventDefault()
    const ends = [Number(before), Number(link.textContent)].sort((one, other) => one - other)
    location.hash = `#L${ends[0]}-L${ends[1]}`
  })
  window.addEventListener('hashchange', mark)
  mark()
}

function mark(): void {
  for (const row of document.querySelectorAll('table.code tr.marked')) row.classList.remove('marked')
  const found = range.exec(location.hash)
  if (!found) return
  const last = Number(found[2])
  const first = document.getElementById(`L${found[1]}`)
  for (let line = Number(found[1]); line <= last; line++) {
    const row = document.getElementById(`L${line}`)
    if (!row) break
    row.classList.add('marked')
  }
  first?.scrollIntoView({ block: 'center' })
}
