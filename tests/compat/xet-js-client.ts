/** `@huggingface/hub` in a process of its own: `upload REPO FILE`, or `download REPO NAME`, which prints the SHA-256. */
import { createHash } from 'node:crypto'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRepo, downloadFile, uploadFile } from '@huggingface/hub'

const [command, name = '', file = ''] = process.argv.slice(2)
const options = {
  hubUrl: process.env.HF_ENDPOINT ?? '',
  accessToken: process.env.HF_TOKEN ?? '',
  repo: { type: 'dataset', name },
} as const

if (command === 'upload') {
  await createRepo({ ...options, private: true })
  await uploadFile({ ...options, file: pathToFileURL(path.resolve(file)) })
  console.log('ok')
} else {
  const blob = await downloadFile({ ...options, path: file })
  if (blob === null) throw new Error(`There is no ${file}.`)
  const hash = createHash('sha256')
  for await (const bytes of blob.stream()) hash.update(bytes)
  console.log(hash.digest('hex'))
}
