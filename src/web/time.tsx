/* A time: relative words to read, the exact moment in UTC in its title. */
import { renderingTime } from './render.ts'
import { exactTime, relativeTime } from './time-words.ts'

/** `at` in milliseconds. */
export function Time(props: { at: number }) {
  return (
    <time datetime={new Date(props.at).toISOString()} title={exactTime(props.at)}>
      {relativeTime(props.at, renderingTime())}
    </time>
  )
}
