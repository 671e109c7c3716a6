/* The mark: one stem, two arms closed round a stone. It never changes colour, so it is drawn in place. */

export function Mark(props: { size: number }) {
  return (
    <svg width={props.size} height={props.size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#01596d" />
      <path
        d="M16 4v6.2M16 10.2c-6 0-9.8 4.3-9.8 9.7 0 3 1.2 5.5 3.3 7.3M16 10.2c6 0 9.8 4.3 9.8 9.7 0 3-1.2 5.5-3.3 7.3"
        fill="none"
        stroke="#f4fcfd"
        stroke-width="2.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
      <circle cx="16" cy="20.2" r="4.6" fill="#f48a61" />
    </svg>
  )
}
