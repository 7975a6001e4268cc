// Uploads a file by tus-js-client as it comes, breaks off, and resumes from its own stored URL.
// Arguments by environment: ENDPOINT, COOKIE, CSRF, TRANSFER, FILE, STORE, BREAK_AT (bytes). Prints one JSON line.
import fs from 'node:fs'
import * as tus from 'tus-js-client'

const { ENDPOINT, COOKIE, CSRF, TRANSFER, FILE, STORE, BREAK_AT } = process.env
const size = fs.statSync(FILE).size
const offsets = []

function options(callbacks) {
  return {
    endpoint: ENDPOINT,
    uploadSize: size,
    chunkSize: 1024 * 1024,
    retryDelays: [0, 200, 500, 1000],
    headers: { Cookie: COOKIE, 'X-CSRF-Token': CSRF },
    metadata: { transfer: TRANSFER, filename: '大きな 資料.bin', filetype: 'application/octet-stream' },
    urlStorage: new tus.FileUrlStorage(STORE),
    onAfterResponse: (request, response) => {
      if (request.getMethod() === 'HEAD') offsets.push(Number(response.getHeader('Upload-Offset')))
    },
    ...callbacks,
  }
}

const broken = await new Promise((resolve, reject) => {
  const upload = new tus.Upload(fs.createReadStream(FILE), options({
    onError: reject,
    onSuccess: () => reject(new Error('finished before it could be broken off')),
    onProgress: (sent) => {
      if (sent >= Number(BREAK_AT)) upload.abort().then(() => resolve(upload.url))
    },
  }))
  upload.start()
})

const finished = await new Promise((resolve, reject) => {
  const upload = new tus.Upload(fs.createReadStream(FILE), options({
    onError: reject,
    onSuccess: () => resolve(upload.url),
  }))
  upload.findPreviousUploads().then((previous) => {
    if (previous.length !== 1) throw new Error(`${previous.length} stored uploads instead of one`)
    upload.resumeFromPreviousUpload(previous[0])
    upload.start()
  }).catch(reject)
})

const resumedAt = offsets.at(-1)

const unwanted = await new Promise((resolve, reject) => {
  const upload = new tus.Upload(Buffer.alloc(10), options({
    urlStorage: undefined,
    storeFingerprintForResuming: false,
    uploadSize: 11,
    onError: () => resolve(upload.url),
    onSuccess: reject,
    onChunkComplete: () => resolve(upload.url),
  }))
  upload.start()
})
await tus.Upload.terminate(unwanted, options({}))

console.log(JSON.stringify({ broken, finished, unwanted, resumedAt }))
