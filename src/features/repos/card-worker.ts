/** Parses long cards off the event loop. One message in, one out. */
import { parentPort } from 'node:worker_threads'
import { parseCard } from './card.ts'

parentPort?.on('message', (message: { readonly id: number; readonly readme: string }) => {
  parentPort?.postMessage({ id: message.id, reading: parseCard(message.readme) })
})
