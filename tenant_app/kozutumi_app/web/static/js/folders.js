// Files with their place in a folder that was chosen or dropped.

const places = new WeakMap();

// As the server keeps it: composed characters, so that a file chosen again is known again.
export const pathOf = (file) => (places.get(file) || file.webkitRelativePath || file.name).normalize("NFC");

// Everything that was dropped, folders with what is in them, and the names of what could not be read whole.
// Empty folders are left out: there is nothing to send.
export async function dropped(transfer) {
  // Entries must be taken before the first await, as the browser empties the list afterwards.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) {
    return { files: [...transfer.files], unread: [] };
  }
  const files = [];
  const unread = [];
  for (const entry of entries) {
    const inside = [];
    try {
      await collect(entry, inside);
      files.push(...inside);
    } catch {
      unread.push(entry.name); // a part of it would not be what was to be sent
    }
  }
  return { files, unread };
}

async function collect(entry, files) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    places.set(file, entry.fullPath.replace(/^\//, ""));
    files.push(file);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // at most 100 at a time
    if (batch.length === 0) {
      return;
    }
    for (const child of batch) {
      await collect(child, files);
    }
  }
}
