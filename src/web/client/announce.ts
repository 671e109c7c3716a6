/* Says a short sentence to screen readers through the page's one live region. */
export function announce(text: string): void {
  const region = document.getElementById('live')
  if (region) region.textContent = text
}
