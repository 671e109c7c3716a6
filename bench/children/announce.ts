/** A yardstick server listens on the loopback alone, and says where. */
import type { Server } from 'node:http'

export function announce(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (typeof address === 'object' && address !== null) process.stdout.write(`ready ${address.port}\n`)
  })
}
