// Uploads a file by tus-js-client as it comes, whole or in parallel parts, over a path that is cut.
// Arguments by environment: ENDPOINT, COOKIE, CSRF, TRANSFER, FILE, PARALLEL. Prints one JSON line.
import fs from 'node:fs'
import * as tus from 'tus-js-client'

const { ENDPOINT, COOKIE, CSRF, TRANSFER, FILE, PARALLEL } = process.env
let asked = 0

const url = await new Promise((resolve, reject) => {
  const upload = new tus.Upload(fs.createReadStream(FILE), {
    endpoint: ENDPOINT,
    chunkSize: 64 * 1024 * 1024,
    parallelUploads: Number(PARALLEL),
    retryDelays: [0, 200, 500, 1000, 2000, 5000],
    headers: { Cookie: COOKIE, 'X-CSRF-Token': CSRF },
    metadata: { transfer: TRANSFER, filename: '大きな 資料.bin', filetype: 'application/octet-stream' },
    metadataForPartialUploads: { transfer: TRANSFER },
    onAfterResponse: (request) => {
      if (request.getMethod() === 'HEAD') asked += 1
    },
    onError: reject,
    onSuccess: () => resolve(upload.url),
  })
  upload.start()
})

console.log(JSON.stringify({ url, asked }))
