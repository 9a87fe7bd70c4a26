// Uploads a file with the real tus-js-client: stops in the middle, then goes on. Prints one line of JSON.
// node tus_client.mjs <path of tus-js-client> <endpoint> <file> <submission> <sha256> <plain|with-creation>
import { createReadStream, statSync } from 'node:fs'
import { createRequire } from 'node:module'

const [library, endpoint, file, submission, sha256, how] = process.argv.slice(2)
const tus = createRequire(import.meta.url)(library)
const size = statSync(file).size
const common = {
  endpoint,
  uploadSize: size,
  chunkSize: 700_000,
  metadata: { submission, sha256, filename: 'IMG_0001.jpg' },
  uploadDataDuringCreation: how === 'with-creation',
  storeFingerprintForResuming: false,
  retryDelays: [0, 100, 500],
}

/** Sends until it is done, or until `most` bytes are accepted; resolves with where and how far. */
function send(most, uploadUrl) {
  return new Promise((resolve, reject) => {
    let requests = 0
    const upload = new tus.Upload(createReadStream(file), {
      ...common,
      uploadUrl,
      onBeforeRequest: () => void (requests += 1),
      onError: reject,
      onSuccess: () => resolve({ url: upload.url, done: true, requests }),
      onChunkComplete: (_, accepted) => {
        if (accepted >= most && accepted < size) {
          void upload.abort().then(() => resolve({ url: upload.url, done: false, accepted, requests }))
        }
      },
    })
    upload.start()
  })
}

const first = await send(size / 2)
// The address is lost, as after a reinstall: the same creation leads to the same upload.
const second = await send(Infinity, how === 'plain' ? first.url : undefined)
console.log(JSON.stringify({ first, second }))
