/** Opens the hub for one command and closes it again, however the command ends. */
import type { Hub } from '../hub.ts'

export type WithHub = <T>(work: (hub: Hub) => Promise<T>) => Promise<T>

export function withHub(openHub: () => Promise<Hub>): WithHub {
  return async (work) => {
    const hub = await openHub()
    try {
      return await work(hub)
    } finally {
      await hub.close()
    }
  }
}
