/** Parses long YAML off the event loop. One message in, one out. */
import { parentPort } from 'node:worker_threads'
import { parseYaml } from './card.ts'

parentPort?.on('message', (message: { readonly id: number; readonly yaml: string }) => {
  parentPort?.postMessage({ id: message.id, reading: parseYaml(message.yaml) })
})
