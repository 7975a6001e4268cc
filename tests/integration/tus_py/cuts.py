"""Uploads a file by tus-py-client as it comes, each chunk with its checksum, over a path that is cut.

Arguments by environment: ENDPOINT, COOKIE, CSRF, TRANSFER, FILE. Prints one JSON line.
"""

import json
import os

from tusclient.client import TusClient

given = os.environ
client = TusClient(given["ENDPOINT"], headers={"Cookie": given["COOKIE"], "X-CSRF-Token": given["CSRF"]})
uploader = client.uploader(
    given["FILE"],
    chunk_size=16 * 2**20,
    metadata={"transfer": given["TRANSFER"], "filename": "大きな 資料.bin", "filetype": "application/octet-stream"},
    retries=20,
    retry_delay=1,
    upload_checksum=True,
)
uploader.upload()
print(json.dumps({"url": uploader.url, "asked": 0}))
