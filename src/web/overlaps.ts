/** Seconds for which the old value of a token goes on after a refresh, as the form sends them. */
export const overlaps = [
  { value: '0', label: 'At once' },
  { value: '3600', label: 'After 1 hour' },
  { value: '86400', label: 'After 1 day' },
  { value: '604800', label: 'After 7 days' },
] as const
