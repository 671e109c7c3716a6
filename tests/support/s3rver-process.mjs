// s3rver in a process of its own: `node s3rver-process.mjs FOLDER BUCKET` prints its port.
import S3rver from 's3rver'

const [folder, bucket] = process.argv.slice(2)
const server = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory: folder,
  vhostBuckets: false,
  configureBuckets: [{ name: bucket }],
})
// It answers before its file is written; a real store does not.
const { store } = server
const putObject = store.putObject.bind(store)
store.putObject = async (object) => {
  const put = await putObject(object)
  for (let turn = 0; turn < 500; turn++) {
    const { 'content-length': size } = await store.getMetadata(object.bucket, object.key)
    if (size === put.size) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return put
}
// It takes the last byte 0 for "to the end".
const getObject = store.getObject.bind(store)
store.getObject = (bucket, key, options) =>
  getObject(bucket, key, options?.end === 0 ? { ...options, end: Object(0) } : options)
const { port } = await server.run()
process.stdout.write(`${port}\n`)
